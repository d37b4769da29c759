//! A Lambda function that does what its event says, for the tests of the sandboxes.
//!
//! The event is that of an HTTP API; its body is JSON, such as `{"do": "sleep", "ms": 100}`.

use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::process::exit;
use std::time::Duration;

use async_nats::ConnectOptions;
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    match variable("AT_START").as_str() {
        "exit" => exit(7),
        "extension" => extension().await?,
        _ => {}
    }
    lambda_runtime::run_concurrent(service_fn(act)).await
}

async fn act(event: LambdaEvent<Value>) -> Result<Value, lambda_http::Error> {
    let order: Value = match event.payload["body"].as_str() {
        Some(body) => serde_json::from_str(body)?,
        // A schedule's constant input.
        None => event.payload.clone(),
    };
    let milliseconds = Duration::from_millis(order["ms"].as_u64().unwrap_or_default());
    match order["do"].as_str().unwrap_or_default() {
        "nothing" => {}
        "sleep" => tokio::time::sleep(milliseconds).await,
        "block" => std::thread::sleep(Duration::from_secs(3600)),
        "exit" => exit(3),
        "panic" => panic!("as it was told to"),
        "fail" => return Err("as it was told to".into()),
        "malformed" => return Ok(json!({ "statusCode": "many" })),
        "append" => append(&order),
        // Ends, or works on, when the answer is sent and not yet read.
        "answer and exit" => {
            answer_by_hand(&event.context.request_id)?;
            exit(0);
        }
        "answer and work on" => {
            answer_by_hand(&event.context.request_id)?;
            std::thread::sleep(milliseconds);
            exit(0);
        }
        // Published, but not flushed: the connection is not even there when the answer is given.
        "publish" => {
            let password = order["password"].as_str().expect("a password").to_owned();
            let delayed = ConnectOptions::with_user_and_password("operator".to_owned(), password)
                .retry_on_initial_connect()
                .reconnect_delay_callback(move |_| milliseconds);
            let client = delayed.connect(order["nats"].as_str().expect("a server")).await?;
            client.publish("told", "an event".into()).await?;
            // Kept for the next event, as functions keep their connections.
            Box::leak(Box::new(client));
        }
        // Goes on after the answer, which Lambda does not let happen.
        "append later" => drop(tokio::spawn(async move {
            tokio::time::sleep(milliseconds).await;
            append(&order);
        })),
        other => return Err(format!("there is nothing to do for {other:?}").into()),
    }
    let said = json!({
        "pid": std::process::id(),
        "greeting": variable("GREETING"),
        "initialisation": variable("AWS_LAMBDA_INITIALIZATION_TYPE"),
        "memory": variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        "runtime_api": variable("AWS_LAMBDA_RUNTIME_API"),
        "secret": variable("SECRET_OF_THE_FRONT"),
        "remaining_ms": event.context.deadline().duration_since(now()).map_or(0, |left| left.as_millis()),
        "request_id": event.context.request_id,
        "event": event.payload,
    });
    Ok(json!({ "statusCode": 200, "headers": { "content-type": "application/json" }, "body": said.to_string() }))
}

/// Registers an extension without events, so that it is told of its end, and says so in the file `END`.
async fn extension() -> Result<(), lambda_http::Error> {
    let url = format!("http://{}/2020-01-01/extension/register", variable("AWS_LAMBDA_RUNTIME_API"));
    let answer = reqwest::Client::new().post(url).json(&json!({ "events": [] })).send().await?;
    answer.error_for_status_ref()?;
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        terminated.recv().await;
        append(&json!({ "file": variable("END"), "line": "told" }));
        exit(0);
    });
    Ok(())
}

fn answer_by_hand(request_id: &str) -> std::io::Result<()> {
    let (address, said) = (variable("AWS_LAMBDA_RUNTIME_API"), json!({ "pid": std::process::id() }));
    let answer = json!({ "statusCode": 200, "body": said.to_string() }).to_string();
    let path = format!("/2018-06-01/runtime/invocation/{request_id}/response");
    let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", answer.len());
    TcpStream::connect(address)?.write_all((head + &answer).as_bytes())
}

fn append(order: &Value) {
    let file = File::options().create(true).append(true).open(order["file"].as_str().expect("a file"));
    writeln!(file.expect("the file opens"), "{}", order["line"].as_str().expect("a line"))
        .expect("the line is written");
}

#[expect(clippy::disallowed_methods, reason = "a function outside the workspace's ways")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a deadline is compared with the clock")]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
