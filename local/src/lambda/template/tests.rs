use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::{Cors, Function, Schedule, Template, Variable};

fn parse_with(text: &str, parameters: &[(&str, &str)]) -> anyhow::Result<Template> {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Template::parse(text, &parameters.collect())
}

/// A template with one function of these properties.
fn function_with(properties: &str, sections: &str, parameters: &[(&str, &str)]) -> anyhow::Result<Function> {
    let text = format!(
        "{sections}\nResources:\n  Cache: {{ Type: AWS::ElastiCache::ServerlessCache }}\n  \
         Bid:\n    Type: AWS::Serverless::Function\n    Metadata: {{ BuildProperties: {{ Binary: place-bid }} }}\n    \
         Properties:\n      Handler: bootstrap\n{}",
        properties.lines().map(|line| format!("      {line}\n")).collect::<String>()
    );
    Ok(parse_with(&text, parameters)?.functions.remove(0))
}

#[track_caller]
fn check_error(result: anyhow::Result<impl std::fmt::Debug>, parts: &[&str]) {
    let error = format!("{:#}", result.unwrap_err());
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

/// The value of the variable `V` written like this.
fn variable(value: &str) -> anyhow::Result<Variable> {
    let sections = "Parameters:\n  Name: { Type: String, Default: alice }\n  Names: { Type: CommaDelimitedList, \
                    Default: 'a, b,c' }\n  Unknown: { Type: String }\nConditions:\n  Yes: !Equals [!Ref Name, alice]\n  \
                    No: !Not [!Condition Yes]\n  Both: !And [!Condition Yes, !Condition No]\n  \
                    Either: { Fn::Or: [{ Condition: Yes }, { Condition: No }] }\n  Circle: !Not [!Condition Circle]\n  \
                    Vague: !Equals [!Ref Cache, x]";
    let function = function_with(&format!("Environment: {{ Variables: {{ V: {value} }} }}"), sections, &[])?;
    Ok(function.variables.get("V").cloned().unwrap_or_else(|| Variable::Known("absent".to_owned())))
}

#[test]
fn the_functions_of_the_project_are_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml");
    let given = [
        ("RedisUrl", "redis://127.0.0.1:6379"),
        ("NatsUrl", "nats://127.0.0.1:4222"),
        ("PostgresUrl", "postgres://127.0.0.1/bidding"),
        ("CorsOrigins", "https://auction.example.org"),
    ];
    let given: BTreeMap<_, _> = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let template = Template::read(&path, &given).unwrap();
    let function = |binary: &str| template.functions.iter().find(|function| function.binary == binary).unwrap();
    let routes = |binary| function(binary).routes.iter().map(super::Route::key).collect::<Vec<_>>();
    assert_eq!(routes("place-bid"), ["POST /api/v1/items/{id}/bid"]);
    for route in ["GET /api/v1/items/{id}", "GET /api/v1/items/{id}/bids", "GET /health", "GET /ready"] {
        assert!(routes("items").contains(&route.to_owned()), "{route}");
    }
    assert_eq!(function("place-bid").memory_mib, 512);
    assert_eq!(function("place-bid").timeout, Duration::from_secs(3));
    assert!(function("place-bid").variables.contains_key("REDIS_URL"));
    assert_eq!(template.cors.unwrap().allow_origins, ["https://auction.example.org"]);
}

#[test]
fn both_forms_of_a_function_come_to_the_same() {
    for (short, long, value) in [
        ("!Ref Name", "{ Ref: Name }", "alice"),
        ("!Sub 'hi ${Name} ${!Name}'", "{ 'Fn::Sub': 'hi ${Name} ${!Name}' }", "hi alice ${Name}"),
        ("!Sub ['${x}/${AWS::Region}', { x: !Ref Name }]", "{ 'Fn::Sub': '${Name}/us-east-1' }", "alice/us-east-1"),
        ("!Join ['-', !Ref Names]", "{ 'Fn::Join': ['-', [a, { Ref: AWS::NoValue }, b, c]] }", "a-b-c"),
        ("!Select [1, !Split ['.', x.y]]", "{ 'Fn::Select': ['1', { 'Fn::Split': ['.', x.y] }] }", "y"),
        ("!If [Yes, !Ref Name, no]", "{ 'Fn::If': [No, no, { Ref: Name }] }", "alice"),
        ("!If [Both, both, !Sub 'not']", "{ 'Fn::If': [Either, not, both] }", "not"),
        ("!If [No, x, !Ref AWS::NoValue]", "{ Ref: AWS::NoValue }", "absent"),
        ("8080", "'8080'", "8080"),
        ("true", "'true'", "true"),
    ] {
        assert_eq!(variable(short).unwrap(), Variable::Known(value.to_owned()), "{short}");
        assert_eq!(variable(long).unwrap(), Variable::Known(value.to_owned()), "{long}");
    }
}

#[test]
fn a_variable_may_need_a_deployment() {
    for (value, needs) in [
        ("!Ref Cache", "Cache"),
        ("!GetAtt Cache.Endpoint.Address", "Cache.Endpoint.Address"),
        ("{ 'Fn::GetAtt': [Cache, Endpoint.Address] }", "Cache.Endpoint.Address"),
        ("!Sub 'redis://${Cache.Endpoint.Address}:6379'", "Cache.Endpoint.Address"),
        ("!Join [',', [!Ref Name, !Ref Cache]]", "Cache"),
        ("!Select [0, !Split [',', !GetAtt Cache.Endpoint.Address]]", "Cache.Endpoint.Address"),
        (
            "'user:{{resolve:secretsmanager:db:SecretString:password}}@db'",
            "{{resolve:secretsmanager:db:SecretString:password}}",
        ),
        ("!Sub '{{resolve:ssm:/${Name}}}'", "{{resolve:ssm:/alice}}"),
        ("!Ref BidRole", "BidRole"),
    ] {
        assert_eq!(variable(value).unwrap(), Variable::OnlyDeployed(needs.to_owned()), "{value}");
    }
}

#[test]
fn what_is_not_understood_is_an_error_that_says_where() {
    let place = "Bid.Properties.Environment.Variables.V";
    check_error(variable("!Ref Unknown"), &[place, "the parameter Unknown has no default"]);
    check_error(variable("!Ref Nobody"), &[place, "Nobody is neither a parameter nor a resource"]);
    check_error(variable("!GetAtt Nobody.Arn"), &[place, "no resource Nobody"]);
    check_error(variable("!ImportValue x"), &[place, "the function Fn::ImportValue is not known here"]);
    check_error(variable("{ 'Fn::FindInMap': [a, b, c] }"), &[place, "Fn::FindInMap"]);
    check_error(variable("!Sub '${Name'"), &[place, "has no end"]);
    check_error(variable("!Select [9, !Ref Names]"), &[place, "no element 9"]);
    check_error(variable("!If [Nowhere, a, b]"), &[place, "no condition Nowhere"]);
    check_error(variable("!If [Circle, a, b]"), &[place, "Circle", "refers to itself"]);
    check_error(variable("!If [Vague, a, b]"), &[place, "Cache is known only when deployed"]);
    check_error(variable("[a, b]"), &[place, "not a text"]);
    check_error(function_with("Timeout: !Ref Cache", "", &[]), &["Bid.Properties.Timeout", "Cache is known only"]);
    check_error(function_with("Timeout: soon", "", &[]), &["Bid.Properties.Timeout", "`soon` is not a number"]);
    check_error(function_with("Timeout: 901", "", &[]), &["from 1 to 900"]);
    check_error(function_with("MemorySize: [1]", "", &[]), &["Bid.Properties.MemorySize", "not a text"]);
    check_error(
        function_with("Events: { E: { Type: SNS } }", "", &[]),
        &["Bid.Properties.Events.E.Type", "SNS", "HttpApi, Schedule"],
    );
    let queue = |properties: &str| {
        function_with(&format!("Events: {{ E: {{ Type: SQS, Properties: {properties} }} }}"), "", &[])
    };
    check_error(queue("{}"), &["missing", "Events.E.Properties.Queue"]);
    check_error(queue("{ Queue: !GetAtt Cache.Name }"), &["Queue", "not the Arn of a resource"]);
    check_error(queue("{ Queue: !GetAtt Cache.Arn, BatchSize: 11 }"), &["BatchSize", "from 1 to 10"]);
    check_error(
        function_with("Events: { E: { Type: HttpApi, Properties: { Path: /x } } }", "", &[]),
        &["Method and Path"],
    );
    check_error(parse_with("Resources: {", &[]), &["no YAML"]);
    check_error(parse_with("a: 1\na: 2", &[]), &["no YAML", "duplicated key"]);
    check_error(parse_with("", &[]), &["instead of one"]);
    check_error(parse_with("Resources: []", &[]), &["Resources is no map"]);
    let no_binary = "Resources: { Bid: { Type: 'AWS::Serverless::Function', Metadata: {}, Properties: {} } }";
    check_error(parse_with(no_binary, &[]), &["missing", "Resources.Bid.Metadata.BuildProperties"]);
    check_error(Template::read(Path::new("/nowhere/template.yaml"), &BTreeMap::new()), &["/nowhere/template.yaml"]);
}

#[test]
fn the_queues_of_the_project_are_there_if_they_are_asked_for() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml");
    let read = |parameters: &[(&str, &str)]| {
        let given = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Template::read(&path, &given.collect()).unwrap()
    };
    let template = read(&[("Archive", "sqs")]);
    let function = template.functions.iter().find(|function| function.binary == "archive-bids").unwrap();
    let [source] = &function.queues[..] else { panic!("one queue: {:?}", function.queues) };
    assert!(source.reports_failures);
    let queue = &template.queues[&source.queue];
    assert_eq!(queue.name, "local-bid-events.fifo");
    assert_eq!(queue.attributes["FifoQueue"], "true");
    // As Lambda advises.
    assert_eq!(queue.attributes["VisibilityTimeout"], (6 * function.timeout.as_secs()).to_string());
    assert!(template.queues.contains_key(&queue.redrive.as_ref().unwrap().target));
    let without = read(&[]);
    assert!(without.queues.is_empty() && without.functions.iter().all(|function| function.queues.is_empty()));
}

#[test]
fn all_functions_but_some_can_be_left_out() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml");
    let mut template = Template::read(&path, &BTreeMap::from([("Archive".to_owned(), "sqs".to_owned())])).unwrap();
    let binaries =
        |template: &Template| template.functions.iter().map(|function| function.binary.clone()).collect::<Vec<_>>();
    let all = binaries(&template);
    template.keep_only(&[]).unwrap();
    assert_eq!(binaries(&template), all);
    template.keep_only(&["archive-bids".to_owned()]).unwrap();
    assert_eq!(binaries(&template), ["archive-bids"]);
    let error = template.keep_only(&["place-bid".to_owned()]).unwrap_err().to_string();
    assert_eq!(error, "there is no function place-bid; there are archive-bids");
}

#[test]
fn globals_are_the_defaults_of_a_function() {
    let globals = "Globals:\n  Function:\n    MemorySize: 512\n    Timeout: 5\n    Environment: { Variables: { A: global, B: global } }";
    let function = function_with("Timeout: 9\nEnvironment: { Variables: { B: own, C: own } }", globals, &[]).unwrap();
    assert_eq!((function.memory_mib, function.timeout), (512, Duration::from_secs(9)));
    let variables = [("A", "global"), ("B", "own"), ("C", "own")];
    let variables = variables.map(|(name, value)| (name.to_owned(), Variable::Known(value.to_owned())));
    assert_eq!(function.variables, variables.into());
    let bare = function_with("", "", &[]).unwrap();
    assert_eq!((bare.memory_mib, bare.timeout), (128, Duration::from_secs(3)));
    assert_eq!((bare.reserved_concurrency, bare.provisioned_concurrency), (None, None));
}

#[test]
fn parameters_have_the_given_value_or_their_default() {
    let sections = "Parameters:\n  Limit: { Type: Number, Default: 7 }\n  Ami: { Type: 'AWS::SSM::Parameter::Value<String>', Default: /ami }";
    let properties = "ReservedConcurrentExecutions: !Ref Limit\nProvisionedConcurrencyConfig: { \
                      ProvisionedConcurrentExecutions: 2 }\nEnvironment: { Variables: { AMI: !Ref Ami } }";
    let function = function_with(properties, sections, &[]).unwrap();
    assert_eq!((function.reserved_concurrency, function.provisioned_concurrency), (Some(7), Some(2)));
    assert_eq!(function.variables["AMI"], Variable::OnlyDeployed("the SSM parameter /ami".to_owned()));
    let function = function_with(properties, sections, &[("Limit", "30"), ("Ami", "ami-1")]).unwrap();
    assert_eq!(function.reserved_concurrency, Some(30));
    assert_eq!(function.variables["AMI"], Variable::Known("ami-1".to_owned()));
}

#[test]
fn a_function_whose_condition_does_not_hold_is_not_there() {
    let function = "Type: AWS::Serverless::Function, Metadata: { BuildProperties: { Binary: b } }, Properties: {}";
    let text = format!(
        "Parameters: {{ Stage: {{ Type: String }} }}\nConditions: {{ Prod: !Equals [!Ref Stage, prod] }}\n\
         Resources:\n  One: {{ {function}, Condition: Prod }}\n  Two: {{ {function} }}"
    );
    let names = |stage| {
        let template = parse_with(&text, &[("Stage", stage)]).unwrap();
        template.functions.into_iter().map(|function| function.logical_id).collect::<Vec<_>>()
    };
    assert_eq!(names("prod"), ["One", "Two"]);
    assert_eq!(names("dev"), ["Two"]);
}

#[test]
fn schedules_have_an_interval_in_words() {
    let schedules = |kind: &str, properties: &str| {
        let events = format!("Events: {{ Tick: {{ Type: {kind}, Properties: {{ {properties} }} }} }}");
        function_with(&events, "", &[]).map(|function| function.schedules)
    };
    let schedule = |minutes: u64, input: Option<&str>, enabled| {
        let every = Duration::from_secs(minutes * 60);
        vec![Schedule { name: "Tick".to_owned(), every, input: input.map(str::to_owned), enabled }]
    };
    let every_minute = schedules("Schedule", "Schedule: rate(1 minute), Input: '{\"a\":1}'");
    assert_eq!(every_minute.unwrap(), schedule(1, Some("{\"a\":1}"), true));
    let every_two_hours = schedules("ScheduleV2", "ScheduleExpression: rate(2 hours), State: DISABLED");
    assert_eq!(every_two_hours.unwrap(), schedule(120, None, false));
    let every_day = schedules("Schedule", "Schedule: rate(1 day), Enabled: false");
    assert_eq!(every_day.unwrap(), schedule(24 * 60, None, false));
    for expression in ["cron(0 12 * * ? *)", "rate(0 minutes)", "rate(5 weeks)", "at(2026-01-01T00:00:00)", "5 minutes"]
    {
        check_error(schedules("Schedule", &format!("Schedule: '{expression}'")), &[expression, "rate(N minutes)"]);
    }
    check_error(schedules("Schedule", "Schedule: rate(1 day), Input: '{a'"), &["Tick.Properties.Input", "no JSON"]);
}

#[test]
fn cors_rules_come_from_the_api_or_from_globals() {
    let cors = |text: &str| parse_with(text, &[("Origins", "https://a,https://b")]).map(|template| template.cors);
    let any = Some(Cors { allow_origins: vec!["*".to_owned()], ..Cors::default() });
    assert_eq!(cors("Resources: {}").unwrap(), None);
    assert_eq!(cors("Globals: { HttpApi: { CorsConfiguration: true } }\nResources: {}").unwrap(), any);
    assert_eq!(cors("Resources: { Api: { Type: 'AWS::Serverless::HttpApi' } }").unwrap(), None);
    let written = cors(
        "Parameters: { Origins: { Type: CommaDelimitedList } }\nGlobals: { HttpApi: { CorsConfiguration: { MaxAge: 60 } } }\n\
         Resources:\n  Api:\n    Type: AWS::Serverless::HttpApi\n    Properties:\n      CorsConfiguration: \
         { AllowOrigins: !Ref Origins, AllowMethods: [GET], AllowCredentials: true }",
    );
    let expected = Cors {
        allow_origins: vec!["https://a".to_owned(), "https://b".to_owned()],
        allow_methods: vec!["GET".to_owned()],
        max_age: Some(Duration::from_secs(60)),
        allow_credentials: true,
        ..Cors::default()
    };
    assert_eq!(written.unwrap(), Some(expected));
    let api = |rules| format!("{{ Type: 'AWS::Serverless::HttpApi', Properties: {{ CorsConfiguration: {rules} }} }}");
    let two = format!("Resources: {{ One: {}, Two: {} }}", api("true"), api("'https://a'"));
    check_error(cors(&two), &["different CorsConfiguration"]);
}

proptest! {
    #[test]
    fn no_text_brings_it_down(text in "[A-Za-z0-9:!&*|>{}\\[\\],'\"#%@$ \n-]{0,200}") {
        let _ = parse_with(&text, &[]);
        let _ = variable(&text);
    }
}
