//! What is said of a call for partners: you are asked, you are reminded, something moved, the line-up stands. Pure.

use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use crate::card::short;
use crate::message::{Form, Message, RenderError, Templates, header};
use crate::typeset;

/// Longest title in a subject.
const MAX_SUBJECT: usize = 80;

/// A word of a call for partners, as templates see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartnerMessage {
    /// What it is: « Appel à partenaires », « Rappel : appel à partenaires », « Appel clos ».
    pub head: String,
    /// The procedure.
    pub title: String,
    pub buyer: String,
    /// Who coordinates.
    pub coordinator: String,
    /// What changed, or why it comes again.
    pub remark: Option<String>,
    /// The coordinator's own words.
    pub note: Option<String>,
    /// What there is to know, a sentence each.
    pub lines: Vec<String>,
    /// Heading of the list, and what it lists: lots to cover, who is on which lot.
    pub list: Option<(String, Vec<String>)>,
    /// Whether its reader is asked as what they position themselves.
    pub asks: bool,
    /// What holds of it all: who reads an answer, competition.
    pub rules: Vec<String>,
    /// Page of the call.
    pub page: Option<String>,
    /// Page on which its reader answers without signing in.
    pub answer: Option<String>,
}

impl Templates {
    /// A word of a call for partners.
    pub fn partner_call(
        &self,
        form: Form,
        said: &PartnerMessage,
        unsubscribe: Option<String>,
    ) -> Result<Message, RenderError> {
        let subject = format!("{} – {}", said.head, short(&said.title, MAX_SUBJECT));
        let values = context! { p => Serde(said.clone()), unsubscribe => unsubscribe.as_deref() };
        Ok(Message {
            subject: header(&typeset::typeset(&subject)),
            body: self.body(form, ("groupement", "groupement"), &values)?,
            unsubscribe,
            files: Vec::new(),
        })
    }
}
