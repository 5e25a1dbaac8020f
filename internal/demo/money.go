package demo

import "fmt"

// money is an amount in euro cents.
type money int64

// String writes the amount with two decimals: "12.50".
func (m money) String() string {
	return fmt.Sprintf("%d.%02d", m/100, m%100)
}

// euros is the amount as the legacy shop's JSON has it: 12.5.
func (m money) euros() float64 {
	return float64(m) / 100
}
