//! The member of the story who answers in a room of her own: a real homeserver, an encrypted room, a second person on her device.

use vigie_delivery::worker;

use super::{Pages, plain};
use crate::matrix::Salon;

/// What is said in clear in the story, and by nobody in a room.
pub(super) const NEVER_IN_CLEAR: [&str; 3] = ["GIE Nord", "cotraitant", "gymnases"];

/// She reads what she is asked, answers under it, and reads what is noted.
pub(super) async fn answers(salon: &Salon, pages: &Pages, words: &str) -> String {
    worker::drain(&pages.app.delivery).await.unwrap();
    let asked = salon.claire.reads("GIE Nord").await;
    assert!(asked.encrypted && asked.body.contains("Réunion mardi"), "{}", asked.body);
    plain(&salon.asks(words, Some(&asked.event), "Noté pour").await.body)
}
