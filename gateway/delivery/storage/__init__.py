"""The delivery history in a database: SQLAlchemy Core, SQLite or PostgreSQL, migrated when it is opened.

Few large transactions for writing, rows made into what the rest reckons with for reading. Never belongs here: what
facts mean to each other (``correlation``), or when something is done (``runner``, ``errands``).
"""
