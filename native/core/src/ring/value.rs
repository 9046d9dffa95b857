//! Values inside a record: a pull reader that checks every length and never recurses, so that neither depth nor a
//! count that lies can hurt it. Any thread; allocates nothing.
use super::record::BadRecord;
use crate::layout::*;

/// One value, or the start of a nested one, in place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `null` or `undefined`.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    I32(i32),
    /// Any other number.
    F64(f64),
    /// One byte per character, U+0000 to U+00FF.
    Latin1(&'a [u8]),
    /// UTF-16 little endian, may hold lone surrogates; even number of bytes.
    Utf16(&'a [u8]),
    /// An id of the segment's intern table.
    Interned(u32),
    /// This many entries follow: a key (a string value), then a value.
    Object(u32),
    /// This many values follow.
    Array(u32),
    /// A decimal integer that fits 64 bits, as ASCII digits.
    BigInt(&'a [u8]),
    /// This many entries follow, as of an object: the parts of an error.
    Error(u32),
    /// Milliseconds since 1970; NaN for an invalid date.
    Time(f64),
    /// Bytes of a typed array or buffer.
    Bytes(&'a [u8]),
}

/// Pull reader over the body of a record.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Values<'a> {
    /// Reads from the first byte of `body`.
    pub fn new(body: &'a [u8]) -> Values<'a> {
        Values { body, at: 0 }
    }

    /// True when all bytes are read.
    pub fn at_end(&self) -> bool {
        self.at == self.body.len()
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.body[self.at..]
    }

    /// Reads the next value; of an object or array only its count. An error does not move the reader.
    pub fn read(&mut self) -> Result<Value<'a>, BadRecord> {
        let start = self.at;
        let result = self.read_at(start);
        if result.is_err() {
            self.at = start;
        }
        result
    }

    /// Reads past one whole value, entries of objects and arrays included. O(bytes), no recursion.
    pub fn skip(&mut self) -> Result<(), BadRecord> {
        let mut open: u64 = 1;
        while open > 0 {
            open -= 1;
            open += match self.read()? {
                Value::Object(count) | Value::Error(count) => 2 * u64::from(count),
                Value::Array(count) => u64::from(count),
                _ => 0,
            };
        }
        Ok(())
    }

    fn read_at(&mut self, start: usize) -> Result<Value<'a>, BadRecord> {
        let tag = self.take(1, start)?[0];
        Ok(match tag {
            VALUE_NULL => Value::Null,
            VALUE_TRUE => Value::Bool(true),
            VALUE_FALSE => Value::Bool(false),
            VALUE_I32 => Value::I32(self.u32(start)? as i32),
            VALUE_F64 => Value::F64(self.f64(start)?),
            VALUE_LATIN1 => Value::Latin1(self.counted(1, start)?),
            VALUE_UTF16 => Value::Utf16(self.counted(2, start)?),
            VALUE_INTERNED => Value::Interned(self.u32(start)?),
            VALUE_OBJECT => Value::Object(self.count(2, start)?),
            VALUE_ARRAY => Value::Array(self.count(1, start)?),
            VALUE_BIGINT => {
                let digits = self.counted(1, start)?;
                let text = std::str::from_utf8(digits).map_err(|_| BadRecord::Digits { at: start })?;
                text.parse::<i64>().map_err(|_| BadRecord::Digits { at: start })?;
                Value::BigInt(digits)
            }
            VALUE_ERROR => Value::Error(self.count(2, start)?),
            VALUE_TIME => Value::Time(self.f64(start)?),
            VALUE_BYTES => Value::Bytes(self.counted(1, start)?),
            tag => return Err(BadRecord::Tag { at: start, tag }),
        })
    }

    fn take(&mut self, bytes: usize, start: usize) -> Result<&'a [u8], BadRecord> {
        let end = self.at.checked_add(bytes).filter(|&end| end <= self.body.len());
        let end = end.ok_or(BadRecord::Short { at: start })?;
        let taken = &self.body[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn u32(&mut self, start: usize) -> Result<u32, BadRecord> {
        let bytes = self.take(4, start)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn f64(&mut self, start: usize) -> Result<f64, BadRecord> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8, start)?);
        Ok(f64::from_le_bytes(bytes))
    }

    fn counted(&mut self, unit: usize, start: usize) -> Result<&'a [u8], BadRecord> {
        let count = self.u32(start)? as usize;
        let bytes = count.checked_mul(unit).ok_or(BadRecord::Short { at: start })?;
        self.take(bytes, start)
    }

    /// A count of things of at least `least` bytes each: one that cannot fit is an error before anybody counts to it.
    fn count(&mut self, least: usize, start: usize) -> Result<u32, BadRecord> {
        let count = self.u32(start)?;
        if count as usize > (self.body.len() - self.at) / least {
            return Err(BadRecord::Short { at: start });
        }
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back() {
        let mut body = vec![VALUE_NULL, VALUE_TRUE, VALUE_FALSE, VALUE_I32];
        body.extend((-7_i32).to_le_bytes());
        body.push(VALUE_F64);
        body.extend(0.5_f64.to_le_bytes());
        body.extend([
            VALUE_LATIN1,
            2,
            0,
            0,
            0,
            b'a',
            0xe9,
            VALUE_UTF16,
            1,
            0,
            0,
            0,
            0x00,
            0xd8,
        ]);
        body.extend([VALUE_INTERNED, 9, 0, 0, 0, VALUE_BIGINT, 2, 0, 0, 0, b'-', b'5']);
        body.extend([
            VALUE_OBJECT,
            1,
            0,
            0,
            0,
            VALUE_INTERNED,
            1,
            0,
            0,
            0,
            VALUE_ARRAY,
            1,
            0,
            0,
            0,
            VALUE_NULL,
        ]);
        let mut values = Values::new(&body);
        let expected = [
            Value::Null,
            Value::Bool(true),
            Value::Bool(false),
            Value::I32(-7),
            Value::F64(0.5),
            Value::Latin1(&[b'a', 0xe9]),
            Value::Utf16(&[0, 0xd8]),
            Value::Interned(9),
            Value::BigInt(b"-5"),
        ];
        for value in expected {
            assert_eq!(values.read(), Ok(value));
        }
        values.clone().skip().unwrap();
        assert_eq!(values.read(), Ok(Value::Object(1)));
        for _ in 0..2 {
            values.skip().unwrap();
        }
        assert!(values.at_end());
    }

    #[test]
    fn every_prefix_of_a_value_is_an_error_and_moves_nothing() {
        let body = [VALUE_LATIN1, 3, 0, 0, 0, b'a', b'b', b'c'];
        for end in 0..body.len() {
            let mut values = Values::new(&body[..end]);
            assert_eq!(values.read(), Err(BadRecord::Short { at: 0 }));
            assert_eq!(values.at_end(), end == 0);
        }
        assert_eq!(Values::new(&[99]).read(), Err(BadRecord::Tag { at: 0, tag: 99 }));
        assert_eq!(
            Values::new(&[VALUE_BIGINT, 1, 0, 0, 0, b'x']).read(),
            Err(BadRecord::Digits { at: 0 })
        );
    }

    #[test]
    fn depth_and_lying_counts_cost_neither_stack_nor_time() {
        let mut deep = Vec::new();
        for _ in 0..1_000_000 {
            deep.extend([VALUE_ARRAY, 1, 0, 0, 0]);
        }
        deep.push(VALUE_NULL);
        assert_eq!(Values::new(&deep).skip(), Ok(()));
        let lie = [VALUE_ARRAY, 0xff, 0xff, 0xff, 0xff, VALUE_NULL];
        assert_eq!(Values::new(&lie).skip(), Err(BadRecord::Short { at: 0 }));
    }
}
