-- What each role may do, given to groups: whoever runs the system makes users with passwords in them
-- (infra/postgres/roles.sql), and tables of later migrations are the same to them.
--
-- Roles belong to the whole cluster: another database may have brought them, or at this moment be bringing them. Where
-- the owner may not create roles, somebody has made them before.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['bidding_reader', 'bidding_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO bidding_reader, bidding_worker;

-- The functions: they read the history.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO bidding_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO bidding_reader;

-- The worker: it adds, and keeps what stands up to date. It deletes nothing and changes no table.
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO bidding_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO bidding_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO bidding_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO bidding_worker;

-- History is only ever added to.
REVOKE UPDATE ON events, bids, epochs FROM bidding_worker;

-- What was migrated is the owner's to say. Without sqlx the table is not there.
DO $$
BEGIN
    IF to_regclass('public._sqlx_migrations') IS NOT NULL THEN
        REVOKE ALL ON _sqlx_migrations FROM bidding_reader, bidding_worker;
    END IF;
END
$$;
