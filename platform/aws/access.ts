import type { Settings } from '../config/settings.ts'

/** How to reach AWS or an AWS-compatible server. */
export interface AwsAccess {
  region: string
  /** URL of an AWS-compatible server; AWS itself if not given. */
  endpoint?: string
  /** If not given, the SDK looks for credentials itself (environment, profile, role of the machine). */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
}

/** The access to one AWS service according to the settings. */
export function awsAccess(settings: Settings, service: 'S3' | 'SQS'): AwsAccess {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = settings
  return {
    region: settings.AWS_REGION,
    endpoint: settings[`${service}_ENDPOINT`] ?? settings.AWS_ENDPOINT_URL,
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey, sessionToken } : undefined,
  }
}
