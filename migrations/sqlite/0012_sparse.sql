-- Most Macs come with a serial number and a host name alone: what a Mac does not have stands in no index. The next migration takes
-- away the indexes that these stand for, in a transaction of its own: nobody who reads waits for the building of these.
CREATE INDEX devices_by_device_key ON devices (device_key_fold, serial) WHERE device_key_fold IS NOT NULL;
CREATE INDEX devices_by_asset ON devices (asset_fold, serial) WHERE asset_fold IS NOT NULL;
CREATE INDEX devices_by_host ON devices (host_fold, serial) WHERE host_fold IS NOT NULL;
CREATE INDEX devices_by_name ON devices (name_fold, serial) WHERE name_fold IS NOT NULL;
