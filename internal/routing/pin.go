package routing

import "fmt"

// pins compiles the pins of a definition and refuses each that is at fault.
func (c *compiler) pins(index int) map[string]Side {
	written := c.defs[index].Pins
	if len(written) == 0 {
		return nil
	}
	pins := make(map[string]Side, len(written))
	for i, pin := range written {
		if fault := pinFault(pin, pins); fault != "" {
			c.refuse(index, InvalidPin, fmt.Sprintf("pin[%d].key", i), fault)
			continue
		}
		pins[pin.Key] = pin.Side
	}
	return pins
}

// pinFault says what is wrong with a pin that comes after others; empty: nothing.
func pinFault(pin Pin, earlier map[string]Side) string {
	side, twice := earlier[pin.Key]
	switch {
	case pin.Key == "":
		return "the pin has no key, and a request without a key is on no side of its own: write the key's value, like acme"
	case twice && side == pin.Side:
		return fmt.Sprintf("the key %q is pinned twice: remove one of them", pin.Key)
	case twice:
		return fmt.Sprintf("the key %q is pinned to both sides: remove one of the pins", pin.Key)
	}
	return ""
}
