-- Ids of tasks.
create sequence log.task_ids;
