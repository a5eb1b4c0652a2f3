//! A plain value of Python, as it is sent between fail2ban's programs.

/// What a request or a reply is made of. Nothing else can be: what would run code when it is read has no place here.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// An integer; none that fail2ban sends is larger.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(String),
    /// Bytes; only `echo` sends them back.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A tuple.
    Tuple(Vec<Self>),
    /// A dictionary, in the order in which it was filled.
    Dict(Vec<(Self, Self)>),
    /// A set.
    Set(Vec<Self>),
    /// An exception: what the second place of a reply holds if the first is 1.
    Exception {
        /// Where its class is: `builtins`, `fail2ban.exceptions`.
        module: String,
        /// Its class.
        class: String,
        /// What it was made with.
        args: Vec<Self>,
    },
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}
