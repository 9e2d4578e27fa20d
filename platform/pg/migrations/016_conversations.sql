-- Ids of conversations, and of the messages of both sides.
create sequence log.conversation_ids;
create sequence log.message_ids;
