"""The admin pages of brokers: Django's admin within one company. `site` has its addresses, `base` the one base class."""
