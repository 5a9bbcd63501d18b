//! A file of a consultation as it was read: what it is, and its text with the place of every part.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a part of a file stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A page, counted from 1 as a reader of PDF does.
    Page(u32),
    /// A sheet's name, and the first cell of the row (`A12`).
    Cell { sheet: String, cell: String },
    /// A paragraph, counted from 1: word processors keep no pages.
    Paragraph(u32),
    /// A line, counted from 1.
    Line(u32),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(n) => write!(f, "p. {n}"),
            Self::Cell { sheet, cell } => write!(f, "feuille « {sheet} », cellule {cell}"),
            Self::Paragraph(n) => write!(f, "paragraphe {n}"),
            Self::Line(n) => write!(f, "ligne {n}"),
        }
    }
}

impl Passage {
    /// Words at a place, which are no heading.
    #[must_use]
    pub fn new(place: Place, text: String) -> Self {
        Self { place, text, heading: false }
    }
}

/// A part of a file that stands at one place: a page, a row, a paragraph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    pub place: Place,
    /// Lines parted by `\n`; cells of a table by ` | `.
    pub text: String,
    /// The word processor calls it a heading.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heading: bool,
}

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "why", content = "detail")]
pub enum Unread {
    #[error("protégé par un mot de passe : demandez à l’acheteur une version ouverte")]
    Encrypted,
    #[error("sans texte : sans doute numérisé, il faut le lire à l’œil")]
    Scanned,
    #[error("ancien format ({0}) : enregistrez-le en {1} et envoyez-le de nouveau")]
    Legacy(String, String),
    #[error("vide")]
    Empty,
    /// A ZIP that is one document; never shown.
    #[error("document, et non archive")]
    NotAnArchive,
    #[error("ni texte, ni document que Vigie sache lire ({0})")]
    Unknown(String),
    #[error("trop gros : {0}")]
    TooLarge(String),
    #[error("abîmé : {0}")]
    Broken(String),
    #[error("refusé : {0}")]
    Refused(String),
    #[error("trop long à lire : abandonné après {0} secondes de calcul")]
    TooSlow(u64),
    #[error("pas lu en {0} minutes : cette machine est très occupée ; donnez-le de nouveau plus tard")]
    OutOfTime(u64),
    #[error("la lecture s’est arrêtée avant la fin ; le reste du dossier a été lu")]
    Died,
    #[error("les PDF ne peuvent pas être lus sur cette installation : il y manque pdftotext (paquet poppler-utils)")]
    NoConverter,
}

/// What was read of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// In order.
    pub passages: Vec<Passage>,
    /// Pages, where the format has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// Pages without a word: scanned, or drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mute_pages: Vec<u32>,
    /// What was left out because the file is too long, in French.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
}

impl Text {
    /// Whether nothing in it can be read.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.passages.iter().all(|p| p.text.trim().is_empty())
    }

    /// Length of the text, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.passages.iter().map(|p| p.text.len()).sum()
    }

    /// Whether it has no passage.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.passages.is_empty()
    }
}

/// What a piece is in a consultation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Règlement de la consultation: how to answer.
    Rc,
    /// Cahier des clauses administratives particulières: the terms of the contract.
    Ccap,
    /// Cahier des clauses techniques particulières: the work.
    Cctp,
    /// Cahier des clauses particulières: both in one.
    Ccp,
    /// Acte d'engagement.
    Ae,
    /// Bordereau des prix unitaires.
    Bpu,
    /// Détail (quantitatif) estimatif, décomposition du prix.
    Dpgf,
    /// Annex on the social clause.
    SocialAnnex,
    /// Staff to take over.
    StaffList,
    /// DC1, DC2, DC4, DUME: forms of candidature.
    Form,
    /// Frame of the technical memo.
    MemoFrame,
    /// The notice itself.
    Notice,
    /// A plan, a drawing.
    Plan,
    Other,
}

impl Kind {
    /// How people name it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Rc => "RC",
            Self::Ccap => "CCAP",
            Self::Cctp => "CCTP",
            Self::Ccp => "CCP",
            Self::Ae => "acte d’engagement",
            Self::Bpu => "BPU",
            Self::Dpgf => "DPGF/DQE",
            Self::SocialAnnex => "annexe sociale",
            Self::StaffList => "liste du personnel à reprendre",
            Self::Form => "formulaire de candidature",
            Self::MemoFrame => "cadre de mémoire",
            Self::Notice => "avis",
            Self::Plan => "plan",
            Self::Other => "autre pièce",
        }
    }
}

/// A file of the consultation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Name, with the folders of the archive it came in.
    pub name: String,
    pub kind: Kind,
    /// What was read, or why nothing was.
    pub outcome: Result<Text, Unread>,
}

impl Piece {
    /// What was read of it.
    #[must_use]
    pub fn text(&self) -> Option<&Text> {
        self.outcome.as_ref().ok()
    }

    /// The name without folders.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}
