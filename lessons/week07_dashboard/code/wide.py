"""How wide is a card on a phone? The same two columns, fixed and flexible."""

from browser import new_page

NAME = "Storm_damage_at_the_harbour_of_Ostend_final_version_3.pdf"
HTML = f"""<style>{{css}}</style>
    <div class="card"><h3>{NAME}</h3><p>processing</p><button>Cancel</button></div>"""
WAYS = {
    "fixed": ".card { display: grid; grid-template-columns: 500px 150px; }",
    "flexible": """
        .card { display: grid; grid-template-columns: minmax(0, 1fr) auto; }
        h3 { overflow-wrap: anywhere; }
        @media (width < 40rem) { .card { grid-template-columns: minmax(0, 1fr); } }
    """,
}


def main() -> None:
    for name, css in WAYS.items():
        with new_page(width=360) as page:
            page.set_content(HTML.format(css=css))
            wide = page.evaluate("document.documentElement.scrollWidth")
            print(f"{name + ':':<10} the page scrolls sideways: {wide > 360}")


if __name__ == "__main__":
    main()
