use std::time::Duration;

use http::Method;

use super::{Router, decoded_path};
use crate::lambda::template::{Function, Route, RouteMethod};

fn function(name: &str, routes: &[&str]) -> Function {
    let route = |key: &&str| {
        let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
        let method = match method {
            "ANY" => RouteMethod::Any,
            method => RouteMethod::Exact(method.parse().unwrap()),
        };
        Route { method, path: path.to_owned(), integration_timeout: Duration::from_millis(path.len() as u64) }
    };
    Function {
        logical_id: name.to_owned(),
        binary: name.to_owned(),
        memory_mib: 128,
        timeout: Duration::from_secs(3),
        variables: [].into(),
        routes: routes.iter().map(route).collect(),
        schedules: Vec::new(),
        queues: Vec::new(),
        reserved_concurrency: None,
        provisioned_concurrency: None,
    }
}

fn router(routes: &[&str]) -> anyhow::Result<Router> {
    Router::new(&[function("One", routes)])
}

/// The route key and the path parameters, as `GET /items/{id} id=7`; or `none`.
fn find(router: &Router, method: &Method, path: &str) -> String {
    let path = decoded_path(path);
    let Some(found) = router.find(method, &path) else { return "none".to_owned() };
    let parameters = found.path_parameters.iter().map(|(name, value)| format!(" {name}={value}"));
    format!("{}{}", found.route_key, parameters.collect::<String>())
}

#[test]
fn the_example_of_the_developer_guide() {
    let routes = ["GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"];
    let router = router(&routes).unwrap();
    for (method, path, expected) in [
        (Method::GET, "/pets/dog/1", "GET /pets/dog/1"),
        (Method::GET, "/pets/dog/2", "GET /pets/dog/{id} id=2"),
        (Method::GET, "/pets/cat/1", "GET /pets/{proxy+} proxy=cat/1"),
        (Method::POST, "/test/5", "ANY /{proxy+} proxy=test/5"),
        (Method::POST, "/pets/dog/1", "ANY /{proxy+} proxy=pets/dog/1"),
        (Method::GET, "/", "$default"),
    ] {
        assert_eq!(find(&router, &method, path), expected, "{method} {path}");
    }
}

#[test]
fn a_method_of_its_own_goes_before_any() {
    let router = router(&["ANY /items/{id}", "GET /items/{name}", "ANY /items/special"]).unwrap();
    assert_eq!(find(&router, &Method::GET, "/items/7"), "GET /items/{name} name=7");
    assert_eq!(find(&router, &Method::PUT, "/items/7"), "ANY /items/{id} id=7");
    assert_eq!(find(&router, &Method::PUT, "/items/special"), "ANY /items/special");
}

#[test]
fn each_function_keeps_its_place_and_its_timeouts() {
    let functions = [function("One", &["GET /a"]), function("Two", &["POST /a", "GET /a/{id}/bb"])];
    let router = Router::new(&functions).unwrap();
    let found = router.find(&Method::GET, "/a/1/bb").unwrap();
    assert_eq!((found.function, found.integration_timeout), (1, Duration::from_millis(10)));
    assert_eq!(serde_json::to_string(&found.path_parameters).unwrap(), r#"{"id":"1"}"#);
    assert_eq!(router.find(&Method::GET, "/a").unwrap().function, 0);
    assert!(router.find(&Method::GET, "/a").unwrap().path_parameters.is_empty());
    assert_eq!(router.find(&Method::POST, "/a").unwrap().function, 1);
    assert!(router.find(&Method::DELETE, "/a").is_none());
}

#[test]
fn odd_paths() {
    let router = router(&["GET /items/{id}", "GET /items/{id}/bids"]).unwrap();
    for (path, expected) in [
        ("/items/a%20b%C3%BC", "GET /items/{id} id=a bü"),
        ("/items/a+b", "GET /items/{id} id=a+b"),
        ("/items/..", "GET /items/{id} id=.."),
        ("/items/%zz%", "GET /items/{id} id=%zz%"),
        ("/items/a%252Fb", "GET /items/{id} id=a%2Fb"),
        ("/items/a%3Fb", "GET /items/{id} id=a"),
        ("/items/a%2Fbids", "GET /items/{id}/bids id=a"),
        ("/items/a%2Fb", "none"),
        ("/items", "none"),
        ("/items/", "none"),
        ("/items//", "none"),
        ("/items//bids", "none"),
        ("/items/a/", "none"),
        ("//items/a", "none"),
        ("/Items/a", "none"),
        ("*", "none"),
        ("", "none"),
    ] {
        assert_eq!(find(&router, &Method::GET, path), expected, "{path}");
    }
    assert_eq!(find(&router, &Method::GET, "/items/%FF"), "GET /items/{id} id=\u{fffd}");
}

#[test]
fn routes_that_cannot_be_are_errors() {
    for (routes, part) in [
        (&["GET /a", "GET /a"][..], "One: route GET /a: there is another route"),
        (&["GET /a/{b}", "GET /a/{c}"], "there is another route for the same requests"),
        (&["$default", "$default"], "another default route"),
        (&["GET a"], "begins with no slash"),
        (&["GET /a/"], "ends with a slash"),
        (&["GET /{a+}/b"], "`a+` is no name"),
        (&["GET /{*a}"], "`*a` is no name"),
        (&["GET /x{a}"], "a parameter is a whole segment"),
        (&["GET /{}"], "`` is no name"),
    ] {
        let error = format!("{:#}", router(routes).err().unwrap());
        assert!(error.contains(part), "{routes:?}: {error}");
    }
    assert!(router(&["GET /a", "POST /a", "ANY /a", "GET /", "GET /{a}/{b}"]).is_ok());
}
