//! Programs that take messages at an address of their own, as the settings file names them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use vigie_tests::hooks::Tools;
use vigie_tests::service::Outcome;

use super::{OFTEN, RARE, Reader, Tally, marks_in};

/// The path of each, and the département that it follows.
pub(super) const ALL: [(&str, &str); 2] = [("/programs/often", OFTEN), ("/programs/rare", RARE)];

/// Their double.
pub(super) struct Programs {
    tools: Tools,
    dir: PathBuf,
}

impl Programs {
    /// Starts it; what the settings name lies in that folder.
    pub(super) async fn open(dir: &Path) -> Outcome<Self> {
        std::fs::write(dir.join("secret"), "un secret de signature pour les essais")?;
        Ok(Self { tools: Tools::start().await?, dir: dir.to_owned() })
    }

    /// What `[web]` needs, since what they are sent is signed.
    pub(super) fn settings(&self) -> String {
        format!("secret = {{ file = '{}' }}\n", self.dir.join("secret").display())
    }

    pub(super) fn readers(&self) -> Outcome<Vec<Reader>> {
        let mut readers = Vec::new();
        for (n, (path, department)) in ALL.into_iter().enumerate() {
            let file = self.dir.join(format!("program-{n}"));
            std::fs::write(&file, format!("{}{path}", self.tools.base))?;
            let address = format!("[[subscriber.tool]]\nkind = 'webhook'\nurl = {{ file = '{}' }}", file.display());
            readers.push(Reader { address, name: path.to_owned(), department });
        }
        Ok(readers)
    }

    /// Counts what each got under which identifier. Gives how often each identifier came: a program knows a message by it, whatever
    /// came again.
    pub(super) fn count(
        &self,
        got: &mut BTreeMap<(String, String), BTreeSet<String>>,
        tally: &mut Tally,
    ) -> BTreeMap<String, usize> {
        let mut events: BTreeMap<String, usize> = BTreeMap::new();
        for event in self.tools.taken() {
            tally.messages += 1;
            let id = &event.signed[0];
            *events.entry(id.clone()).or_default() += 1;
            for word in marks_in(&event.body) {
                got.entry((event.path.clone(), word)).or_default().insert(id.clone());
            }
        }
        events
    }
}
