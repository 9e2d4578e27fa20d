-- Numbers of the jobs of media workers.
create sequence log.media_ids;
