-- name: begin!
-- Notes a blob before its first byte is written.
INSERT INTO blobs (id, state, location, lease_until)
VALUES (:id, 'writing', :location, :lease_until)

-- name: renew!
-- Renews the lease of the blob's writer; changes no row if it was given up.
UPDATE blobs SET lease_until = :lease_until WHERE id = :id AND state = 'writing'

-- name: keep!
-- Gives a written blob to its owner; changes no row if its writer was given up.
UPDATE blobs
SET state = 'kept', owner = :owner, place = 0, bytes = :bytes, lease_until = NULL
WHERE id = :id AND state = 'writing'

-- name: hand_over
-- Gives the only blob of one owner to another, at a place among the new owner's.
UPDATE blobs SET owner = :heir, place = :place WHERE owner = :owner
RETURNING id

-- name: of_owner
-- The blobs of a file or of a part of an upload, in order.
SELECT id, bytes, location FROM blobs WHERE owner = :owner ORDER BY place

-- name: abandon!
-- Dooms a blob that is still being written; one that was kept stays.
UPDATE blobs SET state = 'doomed', lease_until = NULL WHERE id = :id AND state = 'writing'

-- name: doom_of_owner!
-- Dooms the blobs of a file or of a part of an upload.
UPDATE blobs SET state = 'doomed', owner = NULL, place = NULL, bytes = NULL
WHERE owner = :owner

-- name: doom_of_upload!
-- Dooms the blobs of the parts of an upload.
UPDATE blobs SET state = 'doomed', owner = NULL, place = NULL, bytes = NULL
WHERE owner IN (SELECT id FROM upload_parts WHERE upload_id = :upload_id)

-- name: doom_lapsed!
-- Dooms blobs whose writer's lease ran out. The condition on `kept` is redundant: with it SQLite
-- finds the index.
UPDATE blobs SET state = 'doomed', lease_until = NULL
WHERE state = 'writing' AND state <> 'kept' AND lease_until <= :now

-- name: doomed
-- A page of the blobs whose bytes are to be deleted from a location.
SELECT id FROM blobs
WHERE state = 'doomed' AND location = :location AND id > :after ORDER BY id LIMIT :limit

-- name: unlocated
-- A page of the contents of which nobody has said yet where they are.
SELECT id FROM blobs
WHERE state = 'kept' AND location = '' AND id > :after ORDER BY id LIMIT :limit

-- name: locate!
-- Notes where a blob is, unless that is known.
UPDATE blobs SET location = :location WHERE id = :id AND location = ''

-- name: forget!
-- Deletes the row of a blob whose bytes are gone.
DELETE FROM blobs WHERE id = :id AND state = 'doomed'

-- name: elsewhere
-- A page of the contents that are not at a location.
SELECT id, bytes, location FROM blobs
WHERE state = 'kept' AND location <> :location AND id > :after ORDER BY id LIMIT :limit

-- name: kept^
-- A blob that has an owner.
SELECT owner, place, bytes FROM blobs WHERE id = :id AND state = 'kept'

-- name: lock_file^
-- The file that owns blobs, kept from other writers until the transaction ends.
SELECT id FROM files WHERE id = :owner
FOR UPDATE -- postgres

-- name: lock_upload^
-- The upload whose part owns a blob, kept from other writers until the transaction ends.
SELECT uploads.id FROM uploads JOIN upload_parts ON upload_parts.upload_id = uploads.id
WHERE upload_parts.id = :owner
FOR UPDATE OF uploads -- postgres

-- name: release!
-- Takes a blob from its owner; it is doomed when the lease ends.
UPDATE blobs
SET state = 'writing', owner = NULL, place = NULL, bytes = NULL, lease_until = :lease_until
WHERE id = :id AND state = 'kept'

-- name: take!
-- Gives a written blob to an owner at a place; changes no row if its writer was given up.
UPDATE blobs
SET state = 'kept', owner = :owner, place = :place, bytes = :bytes, lease_until = NULL
WHERE id = :id AND state = 'writing'
