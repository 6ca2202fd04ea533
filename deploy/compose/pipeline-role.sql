-- PostgreSQL runs this once, when it creates its data folder: the pipeline's own role, owner of its database
-- and of nothing else. The password comes from the container's environment.
\getenv password PIPELINE_DB_PASSWORD
CREATE ROLE pipeline LOGIN PASSWORD :'password';
CREATE DATABASE pipeline OWNER pipeline;
REVOKE ALL ON DATABASE pipeline FROM PUBLIC;
\connect pipeline
CREATE EXTENSION vector;
