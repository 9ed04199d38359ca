-- The notification says whom the news concern, so that nobody is told of others' news. Ids only, no data.
create or replace function platform_outbox_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('vouch_outbox', jsonb_strip_nulls(jsonb_build_object(
    'topic', new.topic,
    'tenantId', new.payload -> 'tenantId',
    'revisionId', new.payload -> 'revisionId',
    'channelId', new.payload -> 'channelId'))::text);
  return null;
end $$;
