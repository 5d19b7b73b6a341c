//! SVG markup: escaped text, short numbers.

use std::fmt::{self, Display, Formatter};

/// Text with the characters replaced that mean something in XML; what XML 1.0 cannot hold becomes U+FFFD.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\t' | '\n' | '\r' => f.write_str(" ")?,
                '\0'..=' ' if c != ' ' => f.write_str("\u{fffd}")?,
                '\u{fffe}' | '\u{ffff}' => f.write_str("\u{fffd}")?,
                _ => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// A coordinate to a tenth of a pixel.
pub(super) struct Pixel(pub(super) f64);

impl Display for Pixel {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        // Adding zero turns -0 into 0.
        write!(f, "{}", (self.0 * 10.0).round() / 10.0 + 0.0)
    }
}

/// The points of a path as its `d` attribute has them.
pub(super) struct Points<'a>(pub(super) &'a [(f64, f64)]);

impl Display for Points<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        for (index, &(x, y)) in self.0.iter().enumerate() {
            write!(
                f,
                "{}{} {}",
                if index == 0 { 'M' } else { 'L' },
                Pixel(x),
                Pixel(y)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        assert_eq!(
            Escaped("a<b & \"c\"\n\u{1}'").to_string(),
            "a&lt;b &amp; &quot;c&quot; \u{fffd}&#39;"
        );
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(Points(&[(0.04, -0.01), (12.34, 5.0)]).to_string(), "M0 0L12.3 5");
    }
}
