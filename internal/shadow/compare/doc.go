// Package compare finds where two answers to the same request differ.
package compare
