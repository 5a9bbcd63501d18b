//! The Telegram side: somebody who reads and asks, people who leave one by one, groups that become supergroups one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tempfile::TempDir;
use vigie_domain::Channel;
use vigie_service::crash_point::CrashPoint;
use vigie_store::Store;
use vigie_store::people::AddressState;
use vigie_tests::service::Outcome;
use vigie_tests::telegram::{Double, Reaction, TOKEN};

use super::{Hold, RUN_WITHIN, Reader, Tally, marks_in};

/// The one who stays, reads much, and asks for help now and then.
const READER: i64 = 100;
/// Those who leave.
const FIRST_LEAVER: i64 = 1_000;
/// Groups that move, below zero as group numbers are.
const FIRST_GROUP: i64 = -1_000;
/// Begins the answer to `/aide`.
const HELP: &str = "Ce que je sais faire";
/// Who writes in groups.
const MEMBER: (i64, &str) = (1, "Ana");

/// The double of the Bot API with its chats.
pub(crate) struct Chats {
    double: Double,
    dir: TempDir,
    /// One more turn each: leavers asked to leave, groups moved, helps asked for.
    turns: i64,
    left: Vec<Leaver>,
    /// Numbers of the groups that moved, in order.
    moved: Vec<i64>,
    asked: usize,
}

/// Somebody who said that they want no more.
struct Leaver {
    chat: i64,
    /// Notices that were out when the wish was seen to be kept.
    kept_at: Option<usize>,
}

impl Chats {
    /// Chats for that many turns of each kind.
    pub(crate) async fn open(turns: usize, hold: &Arc<Hold>) -> Outcome<Self> {
        let double = Double::start().await?;
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("token"), TOKEN)?;
        let turns = i64::try_from(turns)?;
        double.person(READER, "Zoé");
        for n in 0..turns {
            double.person(FIRST_LEAVER + n, "Yanis");
            double.group(FIRST_GROUP - n, "Équipe", &[MEMBER]);
        }
        let hold = Arc::clone(hold);
        double.script(move |method, _| match method {
            "sendmessage" if hold.take() => Reaction::Late(RUN_WITHIN),
            _ => Reaction::Accept,
        });
        Ok(Self { double, dir, turns, left: Vec::new(), moved: Vec::new(), asked: 0 })
    }

    /// The settings that lead there.
    pub(crate) fn settings(&self) -> String {
        let token = self.dir.path().join("token");
        format!("[telegram]\ntoken = {{ file = '{}' }}\napi_url = '{}'\n", token.display(), self.double.url)
    }

    /// Chats and what they read.
    pub(crate) fn readers(&self) -> Vec<Reader> {
        let of = |chat: i64, department| Reader {
            address: format!("telegram = {chat}"),
            name: chat.to_string(),
            department,
        };
        let rare = (0..self.turns).flat_map(|n| [FIRST_LEAVER + n, FIRST_GROUP - n]).map(|chat| of(chat, super::RARE));
        std::iter::once(of(READER, super::OFTEN)).chain(rare).collect()
    }

    /// Somebody does what leads a run to that point.
    pub(crate) fn lead_to(&mut self, point: CrashPoint) {
        match point {
            CrashPoint::Heard => {
                self.double.say(READER, READER, "/aide");
                self.asked += 1;
            }
            CrashPoint::MidUnsubscribe if (self.left.len() as i64) < self.turns => {
                let chat = FIRST_LEAVER + self.left.len() as i64;
                self.double.say(chat, chat, "/stop");
                self.left.push(Leaver { chat, kept_at: None });
            }
            CrashPoint::MidMigration if (self.moved.len() as i64) < self.turns => {
                self.moved.push(self.double.migrate(FIRST_GROUP - self.moved.len() as i64, false));
            }
            _ => {}
        }
    }

    /// Notes whose wish to leave is kept by now, with so many notices out.
    pub(crate) async fn see_who_left(&mut self, store: &Store, published: usize) -> Outcome<()> {
        for leaver in self.left.iter_mut().filter(|l| l.kept_at.is_none()) {
            let people = store.people_of_chat(Channel::Telegram, &leaver.chat.to_string()).await?;
            if people.iter().all(|(_, address)| address.state == AddressState::Stopped) {
                leaver.kept_at = Some(published);
            }
        }
        Ok(())
    }

    /// Counts what arrived in the chats; `doubtful` = attempts by name of which nobody knows whether they arrived.
    pub(crate) fn count(
        &self,
        doubtful: &BTreeMap<String, usize>,
        published: &[&str],
        tally: &mut Tally,
    ) -> Outcome<()> {
        for reader in self.readers() {
            let chat: i64 = reader.name.parse()?;
            let leaver = self.left.iter().find(|l| l.chat == chat);
            if leaver.is_some_and(|l| l.kept_at.is_none()) {
                tally.lose(&reader.name, "the wish to leave");
            }
            let (mut got, mut repeats) = (BTreeSet::new(), 0);
            let mut messages = self.double.messages(chat);
            if let Some(moved) = usize::try_from(FIRST_GROUP - chat).ok().and_then(|n| self.moved.get(n)) {
                messages.extend(self.double.messages(*moved));
            }
            for marks in messages.iter().map(|m| marks_in(&m.text)).filter(|marks| !marks.is_empty()) {
                tally.messages += 1;
                let again = marks.intersection(&got).count();
                if again == marks.len() {
                    repeats += 1;
                } else if again > 0 {
                    tally.surprise(&reader.name, "some of a message again, beside what is new", again);
                }
                got.extend(marks);
            }
            for (n, department) in (1..).zip(published) {
                let (mark, due) = (super::mark(n), *department == reader.department);
                match leaver.map(|l| l.kept_at.unwrap_or(0)) {
                    Some(kept_at) if got.contains(&mark) && (n > kept_at || !due) => {
                        tally.surprise(&reader.name, &mark, 1)
                    }
                    None if due && !got.contains(&mark) => tally.lose(&reader.name, &mark),
                    None if !due && got.contains(&mark) => tally.surprise(&reader.name, &mark, 1),
                    _ => {}
                }
            }
            tally.repeat(&reader.name, repeats, doubtful.get(&reader.name).copied().unwrap_or(0));
        }
        let helped = self.double.messages(READER).iter().filter(|m| m.text.starts_with(HELP)).count();
        if helped < self.asked {
            tally.lose(&READER.to_string(), &format!("{} answers", self.asked - helped));
        }
        Ok(())
    }
}
