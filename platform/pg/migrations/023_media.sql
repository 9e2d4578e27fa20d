-- Ids of media workers' jobs.
create sequence log.media_ids;
