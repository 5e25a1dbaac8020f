// Package rule says which differences between two answers are known and wanted.
package rule
