//! How templates write outside text into HTML.
//!
//! What could end a text or an attribute is escaped. A slash could not, and stays: links whose slashes are references read as
//! hidden ones to mail filters.

use minijinja::{AutoEscape, Error, Output, State, Value};

/// What stands in HTML for a character that could end a text or an attribute.
fn reference(c: char) -> Option<&'static str> {
    Some(match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}

/// Writes a character into HTML.
pub(crate) fn push(out: &mut String, c: char) {
    match reference(c) {
        Some(reference) => out.push_str(reference),
        None => out.push(c),
    }
}

/// The formatter of every template.
///
/// # Errors
/// The output cannot be written.
pub fn formatter(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let text = value.as_str().filter(|_| !value.is_safe() && matches!(state.auto_escape(), AutoEscape::Html));
    let Some(text) = text else { return minijinja::escape_formatter(out, state, value) };
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let Some(reference) = rest[at..].chars().next().and_then(reference) else { break };
        out.write_str(&rest[..at])?;
        out.write_str(reference)?;
        rest = &rest[at + 1..];
    }
    Ok(out.write_str(rest)?)
}

#[cfg(test)]
mod tests {
    use minijinja::{AutoEscape, Environment, context};

    #[test]
    fn what_ends_a_text_or_an_attribute_is_escaped_and_a_slash_is_not() {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_formatter(super::formatter);
        environment
            .add_template("t", "{% macro m() %}<b>{% endmacro %}<a href=\"{{ u }}\">{{ t }}</a>{{ m() }}{{ n }}")
            .unwrap();
        let values = context! { u => "https://a.example/?x=1&y=\"'", t => "</a><script>", n => 12 };
        assert_eq!(
            environment.get_template("t").unwrap().render(values).unwrap(),
            "<a href=\"https://a.example/?x=1&amp;y=&quot;&#39;\">&lt;/a&gt;&lt;script&gt;</a><b>12"
        );
    }
}
