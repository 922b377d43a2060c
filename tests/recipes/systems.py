"""Booking systems' own tables, with a few people in them.

The names and types are the systems' own, written down anew from their public schemas and reduced to
what a view of sessions could ask for; keys and other columns are left out.
"""

from __future__ import annotations

#: Easy!Appointments 1.5 (alextselegidis/easyappointments, GPL-3.0), application/migrations 001-058.
EASY_APPOINTMENTS = """
CREATE TABLE ea_users (
    id INT(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    create_datetime DATETIME NULL, update_datetime DATETIME NULL,
    first_name VARCHAR(256) NULL, last_name VARCHAR(512) NULL, email VARCHAR(512) NULL,
    mobile_number VARCHAR(128) NULL, phone_number VARCHAR(128) NULL, notes TEXT NULL,
    timezone VARCHAR(256) DEFAULT 'UTC', language VARCHAR(256) DEFAULT 'english',
    custom_field_1 TEXT NULL, custom_field_2 TEXT NULL, custom_field_3 TEXT NULL,
    custom_field_4 TEXT NULL, custom_field_5 TEXT NULL,
    is_private TINYINT(4) DEFAULT 0, id_roles INT(11)
) ENGINE = InnoDB DEFAULT CHARSET = utf8;
CREATE TABLE ea_services (
    id INT(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    create_datetime DATETIME NULL, update_datetime DATETIME NULL,
    name VARCHAR(256) NULL, duration INT(11) NULL, price DECIMAL(10, 2) NULL,
    currency VARCHAR(32) NULL, description TEXT NULL, id_service_categories INT(11)
) ENGINE = InnoDB DEFAULT CHARSET = utf8;
CREATE TABLE ea_appointments (
    id INT(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    create_datetime DATETIME NULL, update_datetime DATETIME NULL,
    book_datetime DATETIME NULL, start_datetime DATETIME NULL, end_datetime DATETIME NULL,
    notes TEXT NULL, hash TEXT NULL, status VARCHAR(512) DEFAULT '',
    is_unavailability TINYINT(4) DEFAULT 0, id_users_provider INT(11),
    id_users_customer INT(11), id_services INT(11), id_google_calendar TEXT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8;

INSERT INTO ea_users (id, update_datetime, first_name, email, mobile_number, phone_number,
    timezone, language, custom_field_1, custom_field_2, custom_field_3) VALUES
    (1, NULL, 'Doctor', 'd@example.com', NULL, NULL, 'Europe/Madrid', 'english', '', '', ''),
    (2, NULL, 'Newcomer', 'n@example.com', NULL, NULL, 'UTC', 'english', '', '', ''),
    (11, '2026-11-20 10:00:00', 'Ana', 'ana@example.com', '', '600 123 456', 'UTC', 'english',
        'Yes ', 'no', 'perhaps'),
    (12, NULL, 'Ben', 'ben@example.com', '600 222 333', '910 000 000', 'UTC', 'spanish',
        NULL, 'yes', 'YES');
INSERT INTO ea_services (id, name) VALUES (5, 'Microneedling'), (6, 'Haircut');
INSERT INTO ea_appointments (id, update_datetime, book_datetime, start_datetime, end_datetime,
    status, is_unavailability, id_users_provider, id_users_customer, id_services) VALUES
    (101, '2026-11-23 15:02:00', '2026-11-01 09:00:00', '2026-11-23 14:00:00',
        '2026-11-23 15:00:00', 'Completed', 0, 1, 11, 5),
    (102, NULL, '2026-11-01 09:00:00', '2026-12-21 10:00:00', '2026-12-21 11:00:00', 'Booked',
        0, 1, 11, 5),
    (103, '2026-11-23 13:02:00', '2026-11-01 09:00:00', '2026-11-23 12:00:00',
        '2026-11-23 13:00:00', 'Completed', 0, 1, 12, 5),
    (104, '2026-11-23 13:02:00', '2026-11-01 09:00:00', '2026-11-23 12:00:00',
        '2026-11-23 13:00:00', '', 0, 1, 12, 5),
    (105, '2026-11-23 13:02:00', '2026-11-01 09:00:00', '2026-11-23 12:00:00',
        '2026-11-23 13:00:00', 'Completed', 0, 1, 12, 6),
    (106, '2026-11-23 13:02:00', '2026-11-01 09:00:00', '2026-11-23 12:00:00',
        '2026-11-23 13:00:00', 'Completed', 0, 2, 12, 5),
    (107, NULL, '2026-11-01 09:00:00', '2026-11-23 12:00:00', '2026-11-23 13:00:00', '', 1, 1,
        NULL, NULL);
"""

#: OpenEMR 7 (openemr/openemr, GPL-3.0), sql/database.sql. Dates are near today: the view looks at
#: the last 90 days of the database's own calendar.
OPENEMR = """
CREATE TABLE openemr_postcalendar_categories (
    pc_catid INT(11) UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    pc_constant_id VARCHAR(255) NULL, pc_catname VARCHAR(100) NULL, pc_catcolor VARCHAR(50) NULL,
    pc_catdesc TEXT, pc_recurrtype INT(1) NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
CREATE TABLE openemr_postcalendar_events (
    pc_eid INT(11) UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    pc_catid INT(11) NOT NULL DEFAULT 0, pc_multiple INT(10) UNSIGNED NOT NULL DEFAULT 0,
    pc_aid VARCHAR(30) NULL, pc_pid VARCHAR(11) NULL, pc_title VARCHAR(150) NULL,
    pc_time DATETIME NULL, pc_eventDate DATE NOT NULL, pc_endDate DATE NULL,
    pc_duration BIGINT(20) NOT NULL DEFAULT 0, pc_recurrtype INT(1) NOT NULL DEFAULT 0,
    pc_startTime TIME NULL, pc_endTime TIME NULL, pc_alldayevent INT(1) NOT NULL DEFAULT 0,
    pc_apptstatus VARCHAR(15) NOT NULL DEFAULT '-', pc_facility INT(11) NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
CREATE TABLE patient_data (
    id BIGINT(20) NOT NULL AUTO_INCREMENT, language VARCHAR(255) NOT NULL DEFAULT '',
    fname VARCHAR(255) NOT NULL DEFAULT '', lname VARCHAR(255) NOT NULL DEFAULT '',
    phone_home VARCHAR(255) NOT NULL DEFAULT '', phone_cell VARCHAR(255) NOT NULL DEFAULT '',
    `date` DATETIME NULL, email VARCHAR(255) NOT NULL DEFAULT '',
    pid BIGINT(20) NOT NULL DEFAULT 0, hipaa_voice VARCHAR(3) NOT NULL DEFAULT '',
    hipaa_allowsms VARCHAR(3) NOT NULL DEFAULT 'NO',
    hipaa_allowemail VARCHAR(3) NOT NULL DEFAULT 'NO', deceased_date DATETIME NULL,
    UNIQUE KEY pid (pid), KEY id (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT INTO openemr_postcalendar_categories (pc_catid, pc_catname) VALUES
    (2, 'In Office'), (16, 'Microneedling');
INSERT INTO patient_data (pid, fname, language, phone_cell, email, hipaa_allowsms,
    hipaa_allowemail, deceased_date) VALUES
    (11, 'Ana', 'English', '600 123 456', 'ana@example.com', 'YES', 'NO', NULL),
    (12, 'Ben', 'Spanish', '600 222 333', 'ben@example.com', 'NO', 'YES', NULL),
    (13, 'Cleo', '', '600 333 444', '', 'YES', 'NO', '2026-11-22 00:00:00');
INSERT INTO openemr_postcalendar_events (pc_eid, pc_catid, pc_aid, pc_pid, pc_eventDate,
    pc_startTime, pc_endTime, pc_apptstatus, pc_recurrtype) VALUES
    (101, 16, '1', '11', {today}, '00:00:00', '00:01:00', '>', 0),
    (102, 16, '1', '11', {today} + INTERVAL 28 DAY, '10:00:00', '11:00:00', '-', 0),
    (103, 16, '1', '12', {today} - INTERVAL 1 DAY, '12:00:00', '13:00:00', '$', 0),
    (104, 16, '1', '12', {today} - INTERVAL 1 DAY, '14:00:00', '15:00:00', '@', 0),
    (105, 2, '1', '12', {today} - INTERVAL 1 DAY, '14:00:00', '15:00:00', '>', 0),
    (106, 16, '1', '13', {today} - INTERVAL 1 DAY, '14:00:00', '15:00:00', '>', 0),
    (107, 16, '1', '12', {today} - INTERVAL 1 DAY, '14:00:00', '15:00:00', '>', 1),
    (108, 16, '1', '12', {today} - INTERVAL 91 DAY, '14:00:00', '15:00:00', '>', 0),
    (109, 16, '1', '', {today} - INTERVAL 1 DAY, '14:00:00', '15:00:00', '>', 0);
"""

#: The tables that docs/recipes/plain.md begins from.
PLAIN = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, first_name TEXT, mobile TEXT, email TEXT, sms_ok BOOLEAN,
    email_ok BOOLEAN, news_ok BOOLEAN, language TEXT, updated_at {moment} NOT NULL
);
CREATE TABLE services (id INTEGER PRIMARY KEY, name TEXT NOT NULL, aftercare TEXT);
CREATE TABLE appointments (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
    service_id INTEGER NOT NULL REFERENCES services (id), starts_at {moment} NOT NULL,
    ends_at {moment} NOT NULL, state TEXT NOT NULL, course_length INTEGER,
    updated_at {moment} NOT NULL
);
INSERT INTO customers VALUES
    (11, 'Ana', '600 123 456', 'ana@example.com', TRUE, FALSE, NULL, 'en', '2026-11-20 10:00:00'),
    (12, 'Ben', '600 222 333', 'ben@example.com', NULL, TRUE, TRUE, 'es', '2026-11-20 10:00:00');
INSERT INTO services VALUES (5, 'Microneedling', 'microneedling'), (6, 'Haircut', NULL);
INSERT INTO appointments VALUES
    (99, 11, 5, '2026-10-23 14:00:00', '2026-10-23 15:00:00', 'done', 4, '2026-10-23 15:02:00'),
    (101, 11, 5, '2026-11-23 14:00:00', '2026-11-23 15:00:00', 'done', 4, '2026-11-23 15:02:00'),
    (102, 11, 5, '2026-12-21 10:00:00', '2026-12-21 11:00:00', 'booked', 4, '2026-11-01 10:00:00'),
    (103, 12, 5, '2026-11-23 12:00:00', '2026-11-23 13:00:00', 'done', NULL, '2026-11-23 13:02:00'),
    (104, 12, 5, '2026-11-23 12:00:00', '2026-11-23 13:00:00', 'cancelled', NULL,
        '2026-11-23 13:02:00'),
    (105, 12, 6, '2026-11-23 12:00:00', '2026-11-23 13:00:00', 'done', NULL, '2026-11-23 13:02:00');
"""
