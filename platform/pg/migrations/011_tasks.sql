-- Numbers of tasks.
create sequence log.task_ids;
