// The bodies of S3 calls.

export const TAGS = '<Tagging><TagSet><Tag><Key>colour</Key><Value>green</Value></Tag></TagSet></Tagging>'
export const LIFECYCLE =
  '<LifecycleConfiguration><Rule><ID>tidy</ID><Prefix>tmp/</Prefix><Status>Enabled</Status>' +
  '<Expiration><Days>7</Days></Expiration></Rule></LifecycleConfiguration>'
export const WEBSITE =
  '<WebsiteConfiguration><IndexDocument><Suffix>start.html</Suffix></IndexDocument></WebsiteConfiguration>'
export const CORS =
  '<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://a.example</AllowedOrigin>' +
  '</CORSRule></CORSConfiguration>'
export const ENCRYPTION =
  '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>' +
  '</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>'
export const BLOCK =
  '<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>' +
  '<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>' +
  '</PublicAccessBlockConfiguration>'
export const POLICY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Sid: 'probe', Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::*' },
  ],
})
export const ACCELERATE = '<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>'
export const PAYMENT = '<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>'
export const REPLICATION =
  '<ReplicationConfiguration><Role>arn:aws:iam:::role/x</Role><Rule><ID>copy</ID><Priority>1</Priority>' +
  '<Status>Enabled</Status><Prefix></Prefix><Destination><Bucket>BUCKET</Bucket></Destination></Rule>' +
  '</ReplicationConfiguration>'
export const LOGGING =
  '<BucketLoggingStatus><LoggingEnabled><TargetBucket>BUCKET</TargetBucket><TargetPrefix>log/</TargetPrefix>' +
  '</LoggingEnabled></BucketLoggingStatus>'
export const METRICS = '<MetricsConfiguration><Id>one</Id></MetricsConfiguration>'
export const ANALYTICS =
  '<AnalyticsConfiguration><Id>one</Id><StorageClassAnalysis></StorageClassAnalysis></AnalyticsConfiguration>'
export const INVENTORY =
  '<InventoryConfiguration><Id>one</Id><IsEnabled>true</IsEnabled><IncludedObjectVersions>All</IncludedObjectVersions>' +
  '<Schedule><Frequency>Daily</Frequency></Schedule><Destination><S3BucketDestination><Format>CSV</Format>' +
  '<Bucket>arn:aws:s3:::BUCKET</Bucket></S3BucketDestination></Destination></InventoryConfiguration>'
export const LOCK =
  '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>' +
  '<Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>'
export const HOLD = '<LegalHold><Status>OFF</Status></LegalHold>'
export const VERSIONING = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
export const TOPIC =
  '<NotificationConfiguration><TopicConfiguration><Id>one</Id><Topic>arn:aws:sns:default::none</Topic>' +
  '<Event>s3:ObjectCreated:*</Event></TopicConfiguration></NotificationConfiguration>'
export const OWNERSHIP =
  '<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>'
export const TIERING =
  '<IntelligentTieringConfiguration><Id>one</Id><Status>Enabled</Status><Tiering><AccessTier>ARCHIVE_ACCESS' +
  '</AccessTier><Days>90</Days></Tiering></IntelligentTieringConfiguration>'
export const SELECT =
  '<SelectObjectContentRequest><Expression>select * from S3Object</Expression><ExpressionType>SQL</ExpressionType>' +
  '<InputSerialization><CSV></CSV></InputSerialization><OutputSerialization><CSV></CSV></OutputSerialization>' +
  '</SelectObjectContentRequest>'
export const RESTORE = '<RestoreRequest><Days>1</Days></RestoreRequest>'

/** Returns the time a day from now, or `ms` milliseconds, as S3 writes it. */
export const inADay = (ms = 86_400_000): string =>
  new Date(Date.now() + ms).toISOString().replace(/\.\d+/, '')
/** Returns a retention that ends in a day. */
export const retention = (): string =>
  `<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>${inADay()}</RetainUntilDate></Retention>`

export const PUBLIC_GRANT =
  '<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">' +
  '<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant>'
