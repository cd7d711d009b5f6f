//! HTTP: what the browser sees.

pub mod assets;
pub mod pages;
