//! What is shown: figures, tables and charts, as data.

use serde::{Deserialize, Serialize};

/// One number that two runs are compared by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    pub name: String,
    /// None: it could not be told, which is a result.
    pub value: Option<f64>,
    pub unit: String,
    pub better: Better,
    /// Of 95 % confidence.
    pub interval: Option<[f64; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    Higher,
    Lower,
    Neither,
}

impl Figure {
    pub fn new(name: impl Into<String>, value: impl Into<Option<f64>>, unit: &str, better: Better) -> Self {
        Self { name: name.into(), value: value.into(), unit: unit.to_owned(), better, interval: None }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    pub title: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub note: String,
}

impl Table {
    pub fn new(title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { title: title.to_owned(), columns, rows: Vec::new(), note: String::new() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chart {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub lines: Vec<Line>,
    /// Each line stands on the one before.
    #[serde(default)]
    pub is_stacked: bool,
    /// Stretches of x that are marked; or, if there are no lines, what is shown.
    #[serde(default)]
    pub bands: Vec<Band>,
    /// Values of y that are marked.
    #[serde(default)]
    pub marks: Vec<Mark>,
}

impl Chart {
    pub fn new(title: &str, x: Axis, y: Axis, lines: Vec<Line>) -> Self {
        Self { title: title.to_owned(), x, y, lines, is_stacked: false, bands: Vec::new(), marks: Vec::new() }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Axis {
    pub label: String,
    pub scale: Scale,
}

impl Axis {
    pub fn new(label: &str, scale: Scale) -> Self {
        Self { label: label.to_owned(), scale }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    Linear,
    Logarithmic,
    /// Of quantiles: 0.9, 0.99 and 0.999 are equally far apart.
    Nines,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub name: String,
    /// None: nothing is known there, and the line has a gap.
    pub points: Vec<(f64, Option<f64>)>,
    pub style: Style,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// A line with its points.
    #[default]
    Line,
    Points,
    /// Dashed, without points: what was not measured.
    Reference,
}

impl Line {
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points = points.into_iter().map(|(x, y)| (x, Some(y))).collect();
        Self { name: name.into(), points, style: Style::Line }
    }

    pub fn reference(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self { style: Style::Reference, ..Self::new(name, points) }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Band {
    pub name: String,
    pub from: f64,
    pub until: f64,
    #[serde(default)]
    pub is_bad: bool,
}

impl Band {
    pub fn new(name: &str, from: f64, until: f64) -> Self {
        Self { name: name.to_owned(), from, until, is_bad: false }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mark {
    pub name: String,
    pub at: f64,
}
