-- The users of PostgreSQL with the passwords of the environment, for psql as the owner or above. What they may do is
-- given to their groups by a migration. May be run again, after a password has changed.
\set ON_ERROR_STOP on
\getenv owner_password POSTGRES_OWNER_PASSWORD
\getenv functions_password POSTGRES_FUNCTIONS_PASSWORD
\getenv worker_password POSTGRES_WORKER_PASSWORD

SELECT format('CREATE ROLE %I', wanted)
FROM unnest(ARRAY['bidding_reader', 'bidding_worker', 'functions', 'worker']) AS wanted
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) \gexec

ALTER ROLE bidding PASSWORD :'owner_password';
ALTER ROLE functions LOGIN PASSWORD :'functions_password';
ALTER ROLE worker LOGIN PASSWORD :'worker_password';
GRANT bidding_reader TO functions;
GRANT bidding_worker TO worker;
