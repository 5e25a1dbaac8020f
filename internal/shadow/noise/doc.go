// Package noise tells differences that legacy also shows between two answers of
// its own from those that are new's.
package noise
