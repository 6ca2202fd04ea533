"""Addresses and URLs, sorted by the result that they must have."""

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.255.255.254 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1
192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
:: ::1 ::127.0.0.1 ::169.254.169.254 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b:1::a9fe:a9fe
64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2001:10::1
2001:20::1 2002:7f00:1:: 2002:a9fe:a9fe:: 2002:c0a8:101::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254
fd12:3456:789a::1 fe80::1 fe80::a9fe:a9fe febf::1 fec0::1 ff02::1 ff0e::1 4000::1 8000::1 e000::1
""".split()  # noqa: SIM905
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 93.184.216.34 100.63.255.255 100.128.0.1 126.255.255.255
128.0.0.1 169.253.255.255 169.255.0.1 172.15.255.255 172.32.0.1 192.0.1.1 192.167.255.255
192.169.0.1 198.17.255.255 198.20.0.1 223.255.255.255 2606:4700:4700::1111 2001:4860:4860::8888
2a00:1450:4001:81b::200e ::ffff:8.8.8.8 64:ff9b::808:808
""".split()  # noqa: SIM905
NO_ADDRESSES = ["", "example.com", "127.1", "0x7f.0.0.1", "0177.0.0.1", "1.2.3.4.5", "[::1]", "é"]

ODD_URLS = """
ftp://example.com/ file:///etc/passwd gopher://example.com/ javascript:alert(1) example.com/hook
//example.com/hook https:///hook https:// http: https://user@example.com/
https://user:word@example.com/ https://example.com@127.0.0.1/ https://127.0.0.1#@example.com/
https://2130706433/ https://0x7f000001/ https://0x7f.1/ https://127.1/ https://0177.0.0.1/
https://127.0.0.01/ https://017700000001/ https://1.2.3/ https://1.2.3.4.5/ https://0/
https://127.0.0.1./ https://2130706433./ https://①②⑦.⓪.⓪.①/ https://１２７。０。０。１/ https://ⓛocalhost/
https://localhost/ https://LOCALHOST/ https://localhost./ https://a.localhost/ https://redis/
https://metadata.google.internal/ https://printer.local/ https://db.internal./ https://nas.lan/
https://[::1]/ https://[::]/ https://[fe80::1%25eth0]/ https://[::ffff:127.0.0.1]/ https://[::1
https://[v1.x]/ https://127.0.0.1/ https://10.0.0.1/ https://169.254.169.254/latest/meta-data/
https://exa_mple.com/ https://-a.com/ https://a..com/ https://.com/ https://%31%32%37.0.0.1/
https://example.com:0/ https://example.com:/ https://example.com:65536/ https://example.com:abc/
https://example.com:22/ https://example.com:6379/ https://example.com:5432/ http://example.com/
https://example.com\\@127.0.0.1/ https:\\\\example.com/
""".split()  # noqa: SIM905
ODD_URLS += [
    "https://example.com/a b",
    "https://exa\tmple.com/",
    "https://example.com/\r\nHost: other",
    "https://example.com/\x00",
    " https://example.com/",
    f"https://example.com/{'a' * 2048}",
    f"https://{'a' * 64}.com/",
    f"https://{'a.' * 127}com/",
]
