//! Who holds a lease: this process, named so that another process of the same machine can tell that it is gone and need
//! not wait for the lease to run out.

/// Name of this process: `host:pid:start`.
#[must_use]
pub fn this_process() -> String {
    let pid = std::process::id();
    format!("{}:{pid}:{}", host(), started(pid).unwrap_or_default())
}

/// Whether a holder was a process of this machine that no longer runs. `false` when in doubt.
#[must_use]
pub fn is_gone(holder: &str) -> bool {
    let mut parts = holder.rsplitn(3, ':');
    let (Some(start), Some(pid), Some(machine)) =
        (parts.next(), parts.next().and_then(|p| p.parse::<u32>().ok()), parts.next())
    else {
        return false;
    };
    if machine != host() || start.is_empty() || started(std::process::id()).is_none() {
        return false;
    }
    started(pid).as_deref() != Some(start)
}

/// The machine and its boot: a process number means nothing after a restart.
fn host() -> String {
    let read = |path| std::fs::read_to_string(path).map(|s| s.trim().to_owned()).unwrap_or_default();
    let boot: String = read("/proc/sys/kernel/random/boot_id").chars().take(8).collect();
    // Containers may share host name and boot, and number their processes apart.
    let space: String = std::fs::read_link("/proc/self/ns/pid")
        .map(|p| p.display().to_string())
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    format!("{}-{boot}-{space}", read("/proc/sys/kernel/hostname").replace(':', "-"))
}

/// Start time of a process in clock ticks since boot (proc(5), field 22). `None` where there is no /proc.
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses and may hold spaces.
    let after = stat.rsplit_once(')')?.1;
    after.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_a_later_one_of_the_same_number_is_another() {
        let me = this_process();
        assert!(!is_gone(&me));
        if started(std::process::id()).is_some() {
            let (head, _) = me.rsplit_once(':').unwrap();
            assert!(is_gone(&format!("{head}:1")));
        }
        assert!(!is_gone("elsewhere:12:99"));
    }
}
