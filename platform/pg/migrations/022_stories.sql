-- For people who ask what came of a request, or of an event: rarely, so an append shall not pay for it. A B-tree on correlation
-- ids costs it a fifth of its speed; these summaries, one for each megabyte of the table, cost it nothing that can be measured, and
-- a look-up reads them and a few megabytes instead of everything. Ids of events rise with time, so their least and greatest are enough.
create index events_by_correlation on log.events using brin (correlation_id text_bloom_ops) with (autosummarize = on);
create index events_by_id on log.events using brin (id uuid_minmax_ops) with (autosummarize = on);
