//! The routes in the code, in the SAM template and in the table of `cargo lambda watch` are the same.

use std::{collections::BTreeSet, fs, path::Path};

use functions::routes;
use saphyr::{LoadableYamlNode, Yaml};

type Routes = BTreeSet<(String, String, String)>;

fn project_file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

fn in_the_code() -> Routes {
    let routes = routes::ALL.iter().flat_map(|function| function.routes.iter().map(|route| (route, function.name)));
    routes.map(|(route, function)| (route.method.to_string(), route.path.to_owned(), function.to_owned())).collect()
}

fn in_the_template() -> Routes {
    let documents = Yaml::load_from_str(&project_file("infra/template.yaml")).unwrap();
    let mut routes = Routes::new();
    for resource in documents[0]["Resources"].as_mapping().unwrap().values() {
        if resource["Type"].as_str() != Some("AWS::Serverless::Function") {
            continue;
        }
        let function = resource["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
        for event in resource["Properties"]["Events"].as_mapping().unwrap().values() {
            if event["Type"].as_str() != Some("HttpApi") {
                continue;
            }
            let property = |name: &str| event["Properties"][name].as_str().unwrap().to_owned();
            routes.insert((property("Method"), property("Path"), function.to_owned()));
        }
    }
    routes
}

fn in_the_watch_table() -> Routes {
    let manifest: toml::Table = project_file("Cargo.toml").parse().unwrap();
    let table = &manifest["workspace"]["metadata"]["lambda"]["watch"]["router"];
    let mut routes = Routes::new();
    for (path, entries) in table.as_table().unwrap() {
        for entry in entries.as_array().unwrap() {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            routes.insert((text("method"), path.clone(), text("function")));
        }
    }
    routes
}

#[test]
fn the_template_and_the_watch_table_have_the_routes_of_the_code() {
    assert_eq!(in_the_template(), in_the_code());
    assert_eq!(in_the_watch_table(), in_the_code());
}

#[test]
fn every_function_has_a_binary_and_a_route() {
    for function in routes::ALL {
        let source = format!("{}/src/bin/{}.rs", env!("CARGO_MANIFEST_DIR"), function.name);
        assert!(Path::new(&source).exists(), "{source}");
        assert!(!function.routes.is_empty(), "{}", function.name);
    }
}
