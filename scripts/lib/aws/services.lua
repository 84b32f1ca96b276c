-- The AWS services that ctx.aws can call, and how each is spoken to.
--
-- A row is data that the engine checks and builds requests from: add one and
-- the service can be called, without recompiling. JSON and query services need
-- no list of operations, since name and arguments are all that they are told;
-- REST services do, because each operation has its own route.
--
-- What a row will never do is change what a call is: whether it reads, writes
-- or gives secrets is decided by the engine from the operation, its method and
-- its path, whatever the row is called. Facts: the AWS API references.
--
-- Keys of a row
--   protocol    json-1.0, json-1.1, query, ec2, rest-json or rest-xml
--   endpoint    first part of the host; the row's own name when left out
--   signing     name that is signed for; `endpoint` when left out
--   id          the service's name, for AWS_ENDPOINT_URL_<ID>
--   target      JSON: what stands before the operation in X-Amz-Target
--   version     query, ec2: the API version
--   global      true: one endpoint for a whole partition
--   plain_fips_in_gov  true: GovCloud's plain endpoint is the FIPS one
--   times       arguments that are moments: RFC 3339 and seconds both work
--   names       argument -> its name on the wire (ec2, query)
--   items       list -> the name of its items, when it is not "member"
--   maps        argument -> { key, value }: it is a map, not a structure
--   lists       XML answers: wrapper -> name of its items, or "" when the
--               element itself is repeated; so that one and none are lists too
--   operations  REST: operation -> { method, uri, query, headers, payload,
--               content, body, answer = { body, headers } }

local object_read = {
  IfMatch = "If-Match",
  IfModifiedSince = "If-Modified-Since",
  IfNoneMatch = "If-None-Match",
  IfUnmodifiedSince = "If-Unmodified-Since",
  Range = "Range",
  RequestPayer = "x-amz-request-payer",
  ExpectedBucketOwner = "x-amz-expected-bucket-owner",
  ChecksumMode = "x-amz-checksum-mode",
}

local object_facts = {
  AcceptRanges = "accept-ranges",
  CacheControl = "Cache-Control",
  ContentDisposition = "Content-Disposition",
  ContentEncoding = "Content-Encoding",
  ContentLanguage = "Content-Language",
  ContentLength = "Content-Length",
  ContentRange = "Content-Range",
  ContentType = "Content-Type",
  DeleteMarker = "x-amz-delete-marker",
  ETag = "ETag",
  Expiration = "x-amz-expiration",
  LastModified = "Last-Modified",
  Metadata = "x-amz-meta-*",
  ServerSideEncryption = "x-amz-server-side-encryption",
  StorageClass = "x-amz-storage-class",
  VersionId = "x-amz-version-id",
}

local object_version = { VersionId = "versionId", PartNumber = "partNumber" }

return {
  -- JSON ------------------------------------------------------------------
  ecs = {
    id = "ECS",
    protocol = "json-1.1",
    target = "AmazonEC2ContainerServiceV20141113",
    version = "2014-11-13",
  },
  logs = {
    id = "CloudWatch Logs",
    protocol = "json-1.1",
    target = "Logs_20140328",
    version = "2014-03-28",
    plain_fips_in_gov = true,
  },
  ssm = {
    id = "SSM",
    protocol = "json-1.1",
    target = "AmazonSSM",
    version = "2014-11-06",
    plain_fips_in_gov = true,
  },
  events = {
    id = "EventBridge",
    protocol = "json-1.1",
    target = "AWSEvents",
    version = "2015-10-07",
    plain_fips_in_gov = true,
    times = { "Time" },
  },
  ["application-autoscaling"] = {
    id = "Application Auto Scaling",
    protocol = "json-1.1",
    target = "AnyScaleFrontendService",
    version = "2016-02-06",
    plain_fips_in_gov = true,
  },
  codedeploy = {
    id = "CodeDeploy",
    protocol = "json-1.1",
    target = "CodeDeploy_20141006",
    version = "2014-10-06",
  },
  cloudtrail = {
    id = "CloudTrail",
    protocol = "json-1.1",
    target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
    version = "2013-11-01",
    plain_fips_in_gov = true,
    times = { "StartTime", "EndTime" },
  },
  secretsmanager = {
    id = "Secrets Manager",
    protocol = "json-1.1",
    target = "secretsmanager",
    version = "2017-10-17",
  },
  dynamodb = {
    id = "DynamoDB",
    protocol = "json-1.0",
    target = "DynamoDB_20120810",
    version = "2012-08-10",
  },
  sqs = {
    id = "SQS",
    protocol = "json-1.0",
    target = "AmazonSQS",
    version = "2012-11-05",
    plain_fips_in_gov = true,
  },

  -- Query, with XML answers ------------------------------------------------
  monitoring = {
    id = "CloudWatch",
    protocol = "query",
    version = "2010-08-01",
    plain_fips_in_gov = true,
    times = { "StartTime", "EndTime", "StartDate", "EndDate", "Timestamp" },
    lists = { Datapoints = "member", Metrics = "member",
              MetricAlarms = "member", CompositeAlarms = "member",
              Dimensions = "member", MetricDataResults = "member",
              Values = "member", Timestamps = "member" },
  },
  autoscaling = {
    id = "Auto Scaling",
    protocol = "query",
    version = "2011-01-01",
    plain_fips_in_gov = true,
    times = { "StartTime", "EndTime" },
    lists = { AutoScalingGroups = "member", Instances = "member",
              Activities = "member", ScalingPolicies = "member",
              LaunchConfigurations = "member", Tags = "member",
              AvailabilityZones = "member", LoadBalancerNames = "member",
              TargetGroupARNs = "member", SuspendedProcesses = "member",
              EnabledMetrics = "member" },
  },
  elasticloadbalancing = {
    id = "Elastic Load Balancing v2",
    protocol = "query",
    version = "2015-12-01",
    plain_fips_in_gov = true,
    lists = { LoadBalancers = "member", TargetGroups = "member",
              Listeners = "member", Rules = "member",
              TargetHealthDescriptions = "member",
              AvailabilityZones = "member", SecurityGroups = "member" },
  },
  sts = {
    id = "STS",
    protocol = "query",
    version = "2011-06-15",
    plain_fips_in_gov = true,
  },
  iam = {
    id = "IAM",
    protocol = "query",
    version = "2010-05-08",
    plain_fips_in_gov = true,
    global = true,
    lists = { Roles = "member", Users = "member", Policies = "member",
              Groups = "member", AttachedPolicies = "member",
              PolicyNames = "member", Tags = "member" },
  },
  sns = {
    id = "SNS",
    protocol = "query",
    version = "2010-03-31",
    plain_fips_in_gov = true,
    maps = { Attributes = { "key", "value" },
             MessageAttributes = { "Name", "Value" } },
    lists = { Topics = "member", Subscriptions = "member", Tags = "member" },
  },
  -- EC2's answers keep EC2's own names: reservationSet, instancesSet.
  ec2 = {
    id = "EC2",
    protocol = "ec2",
    version = "2016-11-15",
    plain_fips_in_gov = true,
    times = { "StartTime", "EndTime" },
    names = {
      AllocationIds = "AllocationId", Filters = "Filter", GroupIds = "GroupId",
      GroupNames = "GroupName", ImageIds = "ImageId",
      InstanceIds = "InstanceId", InternetGatewayIds = "InternetGatewayId",
      KeyNames = "KeyName", NetworkInterfaceIds = "NetworkInterfaceId",
      Owners = "Owner", PublicIps = "PublicIp", RegionNames = "RegionName",
      Resources = "ResourceId", RouteTableIds = "RouteTableId",
      SecurityGroupIds = "SecurityGroupId", SecurityGroups = "SecurityGroup",
      SnapshotIds = "SnapshotId", SubnetIds = "SubnetId", Tags = "Tag",
      TagSpecifications = "TagSpecification", Values = "Value",
      VolumeIds = "VolumeId", VpcIds = "VpcId", ZoneNames = "ZoneName",
    },
    lists = { reservationSet = "item", instancesSet = "item",
              groupSet = "item", tagSet = "item", volumeSet = "item",
              subnetSet = "item", vpcSet = "item",
              securityGroupInfo = "item", instanceStatusSet = "item",
              networkInterfaceSet = "item", blockDeviceMapping = "item",
              addressesSet = "item", imagesSet = "item", regionInfo = "item",
              availabilityZoneInfo = "item", snapshotSet = "item",
              routeTableSet = "item" },
  },

  -- REST with JSON ---------------------------------------------------------
  lambda = {
    id = "Lambda",
    protocol = "rest-json",
    version = "2015-03-31",
    operations = {
      GetFunctionConfiguration = {
        method = "GET",
        uri = "/2015-03-31/functions/{FunctionName}/configuration",
        query = { Qualifier = "Qualifier" },
      },
      ListFunctions = {
        method = "GET",
        uri = "/2015-03-31/functions",
        query = { MasterRegion = "MasterRegion", Marker = "Marker",
                  FunctionVersion = "FunctionVersion", MaxItems = "MaxItems" },
      },
      ListVersionsByFunction = {
        method = "GET",
        uri = "/2015-03-31/functions/{FunctionName}/versions",
        query = { Marker = "Marker", MaxItems = "MaxItems" },
      },
      ListAliases = {
        method = "GET",
        uri = "/2015-03-31/functions/{FunctionName}/aliases",
        query = { FunctionVersion = "FunctionVersion", Marker = "Marker",
                  MaxItems = "MaxItems" },
      },
      GetAlias = {
        method = "GET",
        uri = "/2015-03-31/functions/{FunctionName}/aliases/{Name}",
      },
      UpdateAlias = {
        method = "PUT",
        uri = "/2015-03-31/functions/{FunctionName}/aliases/{Name}",
      },
      GetFunctionConcurrency = {
        method = "GET",
        uri = "/2019-09-30/functions/{FunctionName}/concurrency",
      },
      PutFunctionConcurrency = {
        method = "PUT",
        uri = "/2017-10-31/functions/{FunctionName}/concurrency",
      },
      DeleteFunctionConcurrency = {
        method = "DELETE",
        uri = "/2017-10-31/functions/{FunctionName}/concurrency",
      },
      UpdateFunctionConfiguration = {
        method = "PUT",
        uri = "/2015-03-31/functions/{FunctionName}/configuration",
      },
      Invoke = {
        method = "POST",
        uri = "/2015-03-31/functions/{FunctionName}/invocations",
        query = { Qualifier = "Qualifier" },
        headers = { InvocationType = "X-Amz-Invocation-Type",
                    LogType = "X-Amz-Log-Type",
                    ClientContext = "X-Amz-Client-Context" },
        payload = "Payload",
        answer = {
          body = "Payload",
          headers = { FunctionError = "X-Amz-Function-Error",
                      LogResult = "X-Amz-Log-Result",
                      ExecutedVersion = "X-Amz-Executed-Version" },
        },
      },
    },
  },
  fis = {
    id = "fis",
    protocol = "rest-json",
    version = "2020-12-01",
    operations = {
      StartExperiment = { method = "POST", uri = "/experiments" },
      GetExperiment = { method = "GET", uri = "/experiments/{id}" },
      StopExperiment = { method = "DELETE", uri = "/experiments/{id}" },
      ListExperiments = {
        method = "GET",
        uri = "/experiments",
        query = { maxResults = "maxResults", nextToken = "nextToken",
                  experimentTemplateId = "experimentTemplateId" },
      },
      GetExperimentTemplate = {
        method = "GET",
        uri = "/experimentTemplates/{id}",
      },
      ListExperimentTemplates = {
        method = "GET",
        uri = "/experimentTemplates",
        query = { maxResults = "maxResults", nextToken = "nextToken" },
      },
    },
  },
  xray = {
    id = "XRay",
    protocol = "rest-json",
    version = "2016-04-12",
    times = { "StartTime", "EndTime" },
    operations = {
      BatchGetTraces = { method = "POST", uri = "/Traces" },
      GetTraceSummaries = { method = "POST", uri = "/TraceSummaries" },
      GetServiceGraph = { method = "POST", uri = "/ServiceGraph" },
    },
  },
  ["bedrock-runtime"] = {
    id = "Bedrock Runtime",
    signing = "bedrock",
    protocol = "rest-json",
    version = "2023-09-30",
    operations = {
      Converse = { method = "POST", uri = "/model/{modelId}/converse" },
      InvokeModel = {
        method = "POST",
        uri = "/model/{modelId}/invoke",
        headers = { contentType = "Content-Type", accept = "Accept",
                    trace = "X-Amzn-Bedrock-Trace",
                    guardrailIdentifier = "X-Amzn-Bedrock-GuardrailIdentifier",
                    guardrailVersion = "X-Amzn-Bedrock-GuardrailVersion" },
        payload = "body",
        answer = { body = "body", headers = { contentType = "Content-Type" } },
      },
    },
  },

  -- REST with XML ----------------------------------------------------------
  s3 = {
    id = "S3",
    protocol = "rest-xml",
    version = "2006-03-01",
    lists = { Buckets = "Bucket", Contents = "", CommonPrefixes = "" },
    operations = {
      ListBuckets = {
        method = "GET",
        uri = "/",
        query = { MaxBuckets = "max-buckets", Prefix = "prefix",
                  ContinuationToken = "continuation-token",
                  BucketRegion = "bucket-region" },
      },
      ListObjectsV2 = {
        method = "GET",
        uri = "/{Bucket}?list-type=2",
        query = { Delimiter = "delimiter", EncodingType = "encoding-type",
                  MaxKeys = "max-keys", Prefix = "prefix",
                  ContinuationToken = "continuation-token",
                  FetchOwner = "fetch-owner", StartAfter = "start-after" },
        headers = { RequestPayer = "x-amz-request-payer",
                    ExpectedBucketOwner = "x-amz-expected-bucket-owner" },
      },
      HeadBucket = {
        method = "HEAD",
        uri = "/{Bucket}",
        headers = { ExpectedBucketOwner = "x-amz-expected-bucket-owner" },
        answer = { headers = { BucketRegion = "x-amz-bucket-region" } },
      },
      GetObject = {
        method = "GET",
        uri = "/{Bucket}/{Key+}",
        query = object_version,
        headers = object_read,
        answer = { body = "Body", headers = object_facts },
      },
      HeadObject = {
        method = "HEAD",
        uri = "/{Bucket}/{Key+}",
        query = object_version,
        headers = object_read,
        answer = { headers = object_facts },
      },
      PutObject = {
        method = "PUT",
        uri = "/{Bucket}/{Key+}",
        headers = {
          ACL = "x-amz-acl",
          CacheControl = "Cache-Control",
          ContentDisposition = "Content-Disposition",
          ContentEncoding = "Content-Encoding",
          ContentLanguage = "Content-Language",
          ContentMD5 = "Content-MD5",
          ContentType = "Content-Type",
          Expires = "Expires",
          IfMatch = "If-Match",
          IfNoneMatch = "If-None-Match",
          Metadata = "x-amz-meta-*",
          ServerSideEncryption = "x-amz-server-side-encryption",
          SSEKMSKeyId = "x-amz-server-side-encryption-aws-kms-key-id",
          StorageClass = "x-amz-storage-class",
          Tagging = "x-amz-tagging",
          ExpectedBucketOwner = "x-amz-expected-bucket-owner",
        },
        payload = "Body",
        answer = { headers = { ETag = "ETag",
                               VersionId = "x-amz-version-id" } },
      },
      DeleteObject = {
        method = "DELETE",
        uri = "/{Bucket}/{Key+}",
        query = { VersionId = "versionId" },
        headers = { ExpectedBucketOwner = "x-amz-expected-bucket-owner",
                    BypassGovernanceRetention =
                      "x-amz-bypass-governance-retention" },
        answer = { headers = { DeleteMarker = "x-amz-delete-marker",
                               VersionId = "x-amz-version-id" } },
      },
    },
  },
}
