//! What a process does while it runs, each by lease where only one process may: polling, the schedule, listening to chats,
//! reading the mailbox.

#[cfg(any(feature = "matrix", feature = "telegram"))]
mod chat_files;
pub mod chat_queues;
pub mod consultations;
pub mod mailbox;
#[cfg(feature = "matrix")]
pub mod matrix_listener;
mod places;
pub mod poll;
pub mod scheduler;
pub mod second_reader;
pub mod supervisor;
#[cfg(feature = "telegram")]
pub mod telegram_listener;
pub mod watch;
pub mod write_watch;
