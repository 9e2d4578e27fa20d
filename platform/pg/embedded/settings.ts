const settings = {
  // Full durability, as on a server of its own: an answered command survives a power cut (P1).
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // Only processes of this machine can connect, with a password. A Unix socket would need a folder that both accounts may enter.
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  max_connections: '100',
  // There are no replicas, so a COPY into a table created in the same transaction needs no WAL: rebuilds are fast.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  shared_buffers: '256MB',
  // Our statements are many and short: compiling or fingerprinting them costs more than it gains.
  jit: 'off',
  compute_query_id: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  cluster_name: 'vidwiz',
}

/** The server's arguments. Settings on the command line override all files, so every start has the same settings. */
export const serverArguments = (cluster: string, port: number): string[] => [
  '-D',
  cluster,
  '-p',
  String(port),
  ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
]
