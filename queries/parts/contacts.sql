contacts_read AS (
    SELECT *, $instant AS instant
    FROM $view
    CROSS JOIN given
    WHERE contact_date BETWEEN
            date_format(date_add('day', -look_back, first_instant), '%Y-%m-%d')
            AND date_format(date_add('second', -1, end_instant), '%Y-%m-%d')
      AND (include_simulated OR NOT simulated)
      AND $name IN ('*', $name_id, $name_name)
),
{local name=contacts of=contacts_read}
