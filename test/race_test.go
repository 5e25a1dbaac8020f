//go:build race

package test_test

const raceEnabled = true
