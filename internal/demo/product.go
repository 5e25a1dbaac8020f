package demo

import "strings"

// product is one thing the shop sells.
type product struct {
	ID       int
	SKU      string
	Name     string
	Category string
	Price    money
	Stock    int
}

// assortment is how many products the shop sells; their ids start at 1.
const assortment = 24

// seedProducts is the shop's assortment, the same at every start. Some names need care in HTML, JSON or CSV.
func seedProducts() []product {
	rows := [assortment]struct {
		name, category string
		price          money
	}{
		{`Teapot "Grace", 1.2 l`, "kitchen", 3450},
		{"Café press", "kitchen", 2999},
		{"Salt & pepper mill", "kitchen", 1950},
		{"Bread knife", "kitchen", 4200},
		{"Enamel mug", "kitchen", 900},
		{"Linen towel", "kitchen", 1275},
		{"Storm lantern", "garden", 3900},
		{"Watering can, 5 l", "garden", 2450},
		{"Pruning shears", "garden", 3325},
		{"Seed box <small>", "garden", 1480},
		{"Garden twine", "garden", 450},
		{"Nesting box", "garden", 2700},
		{"Desk lamp", "office", 7900},
		{"Ink, blue-black", "office", 1150},
		{"Notebook A5", "office", 850},
		{"Fountain pen", "office", 5600},
		{"Letter scale", "office", 4975},
		{"Blotting paper", "office", 300},
		{"Walking stick", "outdoors", 3100},
		{"Rucksack 20 l", "outdoors", 8800},
		{"Wool blanket", "outdoors", 6400},
		{"Compass", "outdoors", 2225},
		{"Flask, 0.5 l", "outdoors", 1999},
		{"Trail map Nº 7", "outdoors", 1090},
	}
	products := make([]product, len(rows))
	for i, row := range rows {
		products[i] = product{
			ID: i + 1, SKU: sku(row.category, i+1), Name: row.name, Category: row.category,
			Price: row.price, Stock: 5 + i*7%40,
		}
	}
	return products
}

func sku(category string, id int) string {
	return strings.ToUpper(category[:3]) + "-" + string(rune('A'+id%26)) + string(rune('A'+id*7%26))
}
