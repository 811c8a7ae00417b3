-- name: begin!
-- Notes a back-up that begins.
INSERT INTO backups (id, lease_until) VALUES (:id, :lease_until)

-- name: renew!
-- Renews the lease of a back-up; changes no row if it ran out.
UPDATE backups SET lease_until = :lease_until WHERE id = :id AND lease_until > :now

-- name: living^
-- A back-up that has its lease.
SELECT id FROM backups WHERE lease_until > :now LIMIT 1

-- name: end!
-- Forgets a back-up, and those whose leases ran out.
DELETE FROM backups WHERE id = :id OR lease_until <= :now
