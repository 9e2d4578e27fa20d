import type { Settings } from '../config/settings.ts'

/** How AWS, or who stands in for it, is reached. */
export interface AwsAccess {
  region: string
  /** Of another server that speaks as AWS does; AWS itself if not given. */
  endpoint?: string
  /** Where the SDK shall not look for them itself (environment, profile, role of the machine). */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
}

/** What the settings say about one of the two services of AWS that we use. */
export function awsAccess(settings: Settings, service: 'S3' | 'SQS'): AwsAccess {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = settings
  return {
    region: settings.AWS_REGION,
    endpoint: settings[`${service}_ENDPOINT`] ?? settings.AWS_ENDPOINT_URL,
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey, sessionToken } : undefined,
  }
}
