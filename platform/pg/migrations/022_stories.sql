-- Indexes to find all events of a request, or the effects of an event. People look these up rarely, so an append must not pay for
-- them. A B-tree on correlation ids would cost an append a fifth of its speed. These BRIN summaries, one per megabyte of the table,
-- have no measurable cost, and a look-up reads them and a few megabytes instead of the whole table. Event ids rise with time, so
-- their minimum and maximum are enough.
create index events_by_correlation on log.events using brin (correlation_id text_bloom_ops) with (autosummarize = on);
create index events_by_id on log.events using brin (id uuid_minmax_ops) with (autosummarize = on);
