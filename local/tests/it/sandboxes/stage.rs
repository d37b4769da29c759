//! The command `local lambda` in a folder of its own, with a template of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local::{Name, Settings};
use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wait::until;

const TEMPLATE: &str = r#"
Transform: AWS::Serverless-2016-10-31
Parameters:
  AtStart: { Type: String, Default: nothing }
  Reserved: { Type: Number, Default: 1000 }
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: { AllowOrigins: ["http://page.example"], AllowMethods: [POST], AllowHeaders: [content-type] }
  Misbehaving:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: examples/misbehaving } }
    Properties:
      MemorySize: 256
      Timeout: 2
      ReservedConcurrentExecutions: !Ref Reserved
      Environment: { Variables: { GREETING: hello, AT_START: !Ref AtStart, END: nowhere } }
      Events:
        Do: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: POST, Path: "/do/{what}" } }
        Quick: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: POST, Path: /quick, TimeoutInMillis: 300 } }
"#;

pub(super) struct Stage {
    folder: TempDir,
    front: Child,
    url: String,
    pub(super) client: Client,
    /// Holds the port.
    _settings: Settings,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn is_cold(&self) -> bool {
        self.header("x-cold-start").parse().expect("true or false")
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_raw(self.body["pid"].as_i64().expect("a pid").try_into().unwrap()).unwrap()
    }
}

impl Stage {
    pub(super) async fn start(environment: &[(&str, &str)]) -> Self {
        Self::start_with_log(environment, None).await
    }

    pub(super) async fn start_with_log(environment: &[(&str, &str)], log: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::temporary(&[Name::Api]).unwrap();
        fs::create_dir_all(folder.path().join("infra")).unwrap();
        fs::write(folder.path().join("infra/template.yaml"), TEMPLATE).unwrap();
        fs::File::create(folder.path().join("log")).unwrap();
        let log = fs::File::options().append(true).open(log.unwrap_or(&folder.path().join("log"))).unwrap();
        let front = Command::new(env!("CARGO_BIN_EXE_local"))
            .arg("lambda")
            .current_dir(folder.path())
            .env("BIDDING_ROOT", folder.path())
            .env("API_ADDR", settings.addresses.api.to_string())
            .env("SANDBOX_REPORTS", folder.path().join("reports"))
            .env("SECRET_OF_THE_FRONT", "not for functions")
            .env("END", folder.path().join("end"))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let url = settings.addresses.api_url();
        let stage = Self { folder, front, url, client: Client::new(), _settings: settings };
        until("it answers", async || stage.client.get(&stage.url).send().await.is_ok()).await;
        stage
    }

    /// Sends an order to the function, and hands over what comes of it.
    pub(super) async fn act(&self, order: Value) -> Answer {
        self.post("/do/it", order).await
    }

    pub(super) async fn post(&self, path: &str, order: Value) -> Answer {
        let sent = self.client.post(format!("{}{path}", self.url)).json(&order).send().await.unwrap();
        let (status, headers) = (sent.status().as_u16(), sent.headers().clone());
        let text = sent.text().await.unwrap();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    pub(super) async fn sleep(&self, milliseconds: u64) -> Answer {
        self.act(json!({ "do": "sleep", "ms": milliseconds })).await
    }

    pub(super) async fn nothing(&self) -> Answer {
        self.act(json!({ "do": "nothing" })).await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(super) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.front), signal).unwrap();
    }

    pub(super) async fn ends(&mut self) {
        let front = &mut self.front;
        until("the front ends", async || front.try_wait().unwrap().is_some()).await;
    }

    /// The processes of the sandboxes, found by a variable in their environment that holds this stage's folder.
    pub(super) fn sandboxes(&self) -> Vec<Pid> {
        let folder = self.folder.path().display().to_string();
        let is_ours = |pid: &Pid| {
            let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_pid())).unwrap_or_default();
            let text = String::from_utf8_lossy(&environment);
            text.contains("AWS_LAMBDA_RUNTIME_API=") && text.contains(&folder)
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
        pids.filter(is_ours).collect()
    }

    /// The lines of this type in the reports, when there are so many of them.
    pub(super) async fn reports(&self, kind: &str, count: usize) -> Vec<Value> {
        let mut found = Vec::new();
        until("the reports are written", async || {
            let text = fs::read_to_string(self.path("reports")).unwrap_or_default();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            found = lines.filter(|line| line["type"] == kind).map(|line| line["record"].clone()).collect();
            found.len() >= count
        })
        .await;
        assert_eq!(found.len(), count, "{found:?}");
        found
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The watchdog ends what it leaves.
        let _ = self.front.kill();
        let _ = self.front.wait();
    }
}

/// The state of a process as one letter: T is frozen.
pub(super) fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

pub(super) async fn until_frozen(pid: Pid) {
    until("it is frozen", async || state(pid) == Some('T')).await;
}

/// Long for anything that happens on this machine without being waited for.
pub(super) async fn a_while() {
    tokio::time::sleep(Duration::from_millis(400)).await;
}
