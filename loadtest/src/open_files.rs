//! The limit on open files, which is a limit on connections.

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of this process, which servers that it starts inherit, as far as it may: to how many.
pub fn raise() -> Result<u64> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).context("the limit on open files")?;
    Ok(maximum.unwrap_or(u64::MAX))
}

/// Raises the limit: whether so many connections can be opened, and some files beside them. `what` wants to, and `instead` is what else can be
/// done.
pub fn ensure_room(what: &str, connections: u64, beside: u64, instead: &str) -> Result<()> {
    let (needed, limit) = (connections + beside, raise()?);
    ensure!(
        limit >= needed,
        "{what} need {needed} open files, and the hard limit is {limit}: raise it (ulimit -Hn, or LimitNOFILE of a service), \
         or {instead}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_too_few_files_is_told_how_many_there_are_and_what_to_do() {
        let limit = raise().unwrap();
        ensure_room("few users", 10, 10, "").unwrap();
        if let Some(connections) = limit.checked_sub(9) {
            let error = ensure_room("9 users", connections, 10, "ask for fewer").unwrap_err().to_string();
            for part in [format!("need {}", limit + 1), format!("is {limit}"), "ask for fewer".to_owned()] {
                assert!(error.contains(&part), "{error}");
            }
        }
    }
}
