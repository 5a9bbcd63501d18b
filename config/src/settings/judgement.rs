//! `[judgement]`: what may help the judgement. Without it everything works.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::secret::Secret;

/// Statements that the assistant may be asked about in a day.
pub const ASSISTANT_STATEMENTS_A_DAY: u32 = 200;
/// Statements of one request.
pub const ASSISTANT_BATCH: u32 = 8;

/// `[judgement]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Judgement {
    /// A second reader for statements in doubt; none = nobody is asked.
    pub assistant: Option<Assistant>,
}

/// `[judgement.assistant]`: a server that speaks the OpenAI-compatible chat interface (Ollama, vLLM, Albert…).
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Assistant {
    /// Base address of the interface, such as `http://127.0.0.1:11434/v1`; `/chat/completions` is added to it.
    pub url: Url,
    /// Name of the model, as the server calls it.
    pub model: String,
    /// Key of the account, where the server asks for one.
    #[serde(default)]
    pub key: Option<Secret>,
    /// Statements that may be asked about in a day.
    #[serde(default = "statements_a_day")]
    pub statements_a_day: u32,
    /// Statements of one request.
    #[serde(default = "batch")]
    pub batch: u32,
}

fn statements_a_day() -> u32 {
    ASSISTANT_STATEMENTS_A_DAY
}

fn batch() -> u32 {
    ASSISTANT_BATCH
}
