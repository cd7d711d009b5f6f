-- Most Macs come with a serial number and a host name alone: what a Mac does not have stands in no index.
DROP INDEX devices_device_key_fold;
DROP INDEX devices_asset_fold;
DROP INDEX devices_host_fold;
DROP INDEX devices_name_fold;
CREATE INDEX devices_device_key_fold ON devices (device_key_fold, serial) WHERE device_key_fold IS NOT NULL;
CREATE INDEX devices_asset_fold ON devices (asset_fold, serial) WHERE asset_fold IS NOT NULL;
CREATE INDEX devices_host_fold ON devices (host_fold, serial) WHERE host_fold IS NOT NULL;
CREATE INDEX devices_name_fold ON devices (name_fold, serial) WHERE name_fold IS NOT NULL;
