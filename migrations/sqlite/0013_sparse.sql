DROP INDEX devices_device_key_fold;
DROP INDEX devices_asset_fold;
DROP INDEX devices_host_fold;
DROP INDEX devices_name_fold;
