const settings = {
  // The same durability as a Postgres of one's own: an answered command survives a power cut (P1).
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // Reached by this machine's processes only, with a password; unix sockets would need a folder that both users may enter.
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  max_connections: '100',
  // No replica reads along, so a COPY into a table of the same transaction needs no WAL: rebuilds are fast.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  shared_buffers: '256MB',
  // Short statements by the thousand: compiling or fingerprinting them costs more than it gives.
  jit: 'off',
  compute_query_id: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  cluster_name: 'vidwiz',
}

/** The server's arguments. On the command line they win over any file, so that every start runs with the same. */
export const serverArguments = (cluster: string, port: number): string[] => [
  '-D',
  cluster,
  '-p',
  String(port),
  ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
]
